using BenchmarkDotNet.Attributes;
using VectorEngine.Arrow;

namespace VectorEngine.Benchmarks;

/// <summary>Single rows of a file of six million: ten of them, from memory, and from a file that the system has in its cache.</summary>
public class TakeBenchmarks
{
    private const int Rows = 6_000_000, TableRows = 100_000, Taken = 10;

    private string _path = "";
    private ArrowFileReader? _reader;

    // Other rows each time, the same in every run.
    private long[][] _rows = [];
    private int _next;

    [Params(true, false)]
    public bool FromMemory { get; set; }

    /// <summary>Not asynchronous: the toolchain would not wait for it.</summary>
    [GlobalSetup]
    public void SetUp() => WriteAsync().GetAwaiter().GetResult();

    [Benchmark(Description = "take 10 of 6 million rows, a number and a text")]
    public int Take() => _reader!.TakeAsync(_rows[_next++ % _rows.Length]).AsTask().GetAwaiter().GetResult().RowCount;

    [GlobalCleanup]
    public void CleanUp()
    {
        _reader?.Dispose();
        File.Delete(_path);
    }

    private async Task WriteAsync()
    {
        _path = Path.GetTempFileName();
        RecordBatch first = Table(0);
        await using (FileStream stream = File.Create(_path))
            await ArrowFile.WriteAsync(stream, first.Schema, Enumerable.Range(0, Rows / TableRows).Select(Table));
        _reader = FromMemory
            ? await ArrowFileReader.OpenAsync(_path, new MemorySource(await File.ReadAllBytesAsync(_path)))
            : await ArrowFile.OpenAsync(_path);
        await _reader.CountRowsAsync();
        var random = new Random(1);
        _rows = [.. Enumerable.Range(0, 1000).Select(_ => Enumerable.Range(0, Taken).Select(_ => random.NextInt64(Rows)).ToArray())];
    }

    private static RecordBatch Table(int number)
    {
        IEnumerable<int> rows = Enumerable.Range(number * TableRows, TableRows);
        return new(
            ("id", ArrowArray.From<long>([.. rows.Select(row => (long)row)])),
            ("title", ArrowArray.From([.. rows.Select(row => row % 7 == 0 ? null : $"Title of row {row}")])));
    }

    private sealed class MemorySource(byte[] bytes) : IRangeSource
    {
        public long Length => bytes.Length;

        public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
        {
            bytes.AsMemory((int)offset, destination.Length).CopyTo(destination);
            return ValueTask.CompletedTask;
        }
    }
}
