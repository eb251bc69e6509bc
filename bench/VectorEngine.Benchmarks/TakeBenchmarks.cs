using BenchmarkDotNet.Attributes;
using VectorEngine.Arrow;

namespace VectorEngine.Benchmarks;

/// <summary>Single rows of a file of six million: ten of them, from a file that the system has in its cache.</summary>
public class TakeBenchmarks
{
    private const int Rows = 6_000_000, TableRows = 100_000, Taken = 10;

    private string _path = "";
    private ArrowFileReader? _reader;

    // Other rows each time, the same in every run.
    private long[][] _rows = [];
    private int _next;

    [GlobalSetup]
    public async Task SetupAsync()
    {
        _path = Path.GetTempFileName();
        RecordBatch first = Table(0);
        await using (FileStream stream = File.Create(_path))
            await ArrowFile.WriteAsync(stream, first.Schema, Enumerable.Range(0, Rows / TableRows).Select(Table));
        _reader = await ArrowFile.OpenAsync(_path);
        await _reader.CountRowsAsync();
        var random = new Random(1);
        _rows = [.. Enumerable.Range(0, 1000).Select(_ => Enumerable.Range(0, Taken).Select(_ => random.NextInt64(Rows)).ToArray())];
    }

    [Benchmark(Description = "take 10 of 6 million rows, a number and a text")]
    public async Task<int> Take()
    {
        RecordBatch taken = await _reader!.TakeAsync(_rows[_next++ % _rows.Length]);
        return taken.RowCount;
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _reader?.Dispose();
        File.Delete(_path);
    }

    private static RecordBatch Table(int number)
    {
        IEnumerable<int> rows = Enumerable.Range(number * TableRows, TableRows);
        return new(
            ("id", ArrowArray.From<long>([.. rows.Select(row => (long)row)])),
            ("title", ArrowArray.From([.. rows.Select(row => row % 7 == 0 ? null : $"Title of row {row}")])));
    }
}
