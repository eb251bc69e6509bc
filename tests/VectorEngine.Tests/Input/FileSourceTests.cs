using System.Buffers.Binary;
using VectorEngine.Arrow;
using VectorEngine.Input;
using VectorEngine.Tests.Building;
using VectorEngine.Tests.Storage;

namespace VectorEngine.Tests.Input;

/// <summary>Files that are damaged, or are not what their name says, are refused with an error that names them.</summary>
public sealed class FileSourceTests : IDisposable
{
    private static readonly VectorMatrix Vectors = new(Enumerable.Range(0, 35).Select(i => (float)i).ToArray(), 5);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("a.fvecs")]
    [InlineData("a.bvecs")]
    [InlineData("a.npy")]
    [InlineData("a.arrow")]
    public async Task A_file_cut_off_anywhere_is_refused_or_ends_with_a_whole_row(string name)
    {
        byte[] whole = await ContentAsync(name);
        Assert.Equal(Vectors.Values.ToArray(), (await LoadAsync(name, whole)).Values.ToArray());
        for (int length = 0; length < whole.Length; length++)
        {
            try
            {
                // Rows that each have their own length may stop after any of them.
                float[] values = (await LoadAsync(name, whole[..length])).Values.ToArray();
                Assert.True(name is "a.fvecs" or "a.bvecs" && values.Length % 5 == 0, $"{length} bytes were accepted.");
                Assert.Equal(Vectors.Values.ToArray()[..values.Length], values);
            }
            catch (InvalidInputException failure)
            {
                Assert.Equal(Path.Combine(_folder.Path, name), failure.InputName);
            }
            catch (CorruptDataException failure) when (name == "a.arrow")
            {
                Assert.Equal(Path.Combine(_folder.Path, name), failure.ObjectKey);
            }
        }
    }

    [Theory]
    [InlineData("a.fvecs")]
    [InlineData("a.npy")]
    [InlineData("a.arrow")]
    public async Task A_file_that_becomes_shorter_while_it_is_read_is_refused(string name)
    {
        byte[] whole = await ContentAsync(name);
        string path = await VectorFiles.WriteAsync(_folder.Path, name, whole);
        VectorSource source = VectorSource.FromFile(path);
        await VectorFiles.WriteAsync(_folder.Path, name, whole[..^30]);
        VectorEngineException failure = await BuiltObjects.FailAsync<VectorEngineException>(source);
        Assert.Contains(path, failure.Message);
        if (failure is InvalidInputException input)
            Assert.NotNull(input.Row);
    }

    [Fact]
    public async Task Rows_of_other_dimensions_are_named()
    {
        byte[] whole = await ContentAsync("a.fvecs");
        BinaryPrimitives.WriteInt32LittleEndian(whole.AsSpan(3 * 24), 4);
        InvalidInputException failure = await RefusedAsync("a.fvecs", whole);
        Assert.Equal((3L, "it has 4 dimensions, the first row 5"), (failure.Row, failure.Reason));

        // Rows of different lengths, which do not add up to whole ones.
        failure = await RefusedAsync("a.fvecs", [.. whole[..48], .. BitConverter.GetBytes(3), .. new byte[12]]);
        Assert.Equal(2, failure.Row);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    [InlineData(int.MaxValue)]
    [InlineData((1 << 24) + 1)]
    public async Task Impossible_dimensions_are_refused(int dimensions)
    {
        foreach (string name in new[] { "a.fvecs", "a.bvecs" })
        {
            InvalidInputException failure = await RefusedAsync(name, [.. BitConverter.GetBytes(dimensions), .. new byte[100]]);
            Assert.Contains($"{dimensions} dimensions", failure.Reason);
        }
    }

    [Fact]
    public async Task More_dimensions_than_an_index_takes_are_refused()
    {
        byte[] bytes = VectorFiles.Rows(new VectorMatrix(new float[8193], 8193), VectorFiles.Bytes);
        InvalidInputException failure = await BuiltObjects.FailAsync<InvalidInputException>(
            VectorSource.FromFile(await VectorFiles.WriteAsync(_folder.Path, "a.bvecs", bytes)));
        Assert.Contains("8193 dimensions", failure.Reason);
    }

    [Theory]
    [InlineData("'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)", "column by column")]
    [InlineData("'descr': '>f4', 'fortran_order': False, 'shape': (2, 3)", "neither float32")]
    [InlineData("'descr': '<f8', 'fortran_order': False, 'shape': (2, 3)", "neither float32")]
    [InlineData("'descr': '<i4', 'fortran_order': False, 'shape': (2, 3)", "neither float32")]
    [InlineData("'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2, 3)", "neither float32")]
    [InlineData("'descr': '<f4', 'fortran_order': False, 'shape': (6,)", "two-dimensional")]
    [InlineData("'descr': '<f4', 'fortran_order': False, 'shape': ()", "two-dimensional")]
    [InlineData("'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3)", "two-dimensional")]
    [InlineData("'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3)", "two-dimensional")]
    [InlineData("'descr': '<f4', 'fortran_order': False", "two-dimensional")]
    [InlineData("", "two-dimensional")]
    [InlineData("'descr': '<f4', 'fortran_order': False, 'shape': (3, 3)", "announces 36 bytes")]
    [InlineData("'descr': '<f4', 'fortran_order': False, 'shape': (6, 0)", "announces 0 bytes")]
    [InlineData("'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9223372036854775807)", "announces")]
    [InlineData("'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 3)", "two-dimensional")]
    public async Task Arrays_of_another_kind_are_refused(string header, string reason)
    {
        foreach (byte version in new byte[] { 1, 2, 3 })
        {
            InvalidInputException failure = await RefusedAsync("a.npy", VectorFiles.Numpy($"{{{header}, }}", new byte[24], version));
            Assert.Contains(reason, failure.Reason);
        }
    }

    [Fact]
    public async Task Headers_of_arrays_are_not_trusted()
    {
        const string Header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
        byte[] file = VectorFiles.Numpy(Header, new byte[24], 2);
        Assert.Equal(2, (await LoadAsync("a.npy", file)).Count);
        Assert.Contains("version 4", (await RefusedAsync("a.npy", VectorFiles.Numpy(Header, new byte[24], 4))).Reason);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(8), uint.MaxValue);
        Assert.Contains("within its header", (await RefusedAsync("a.npy", file)).Reason);
        file[3] = (byte)'X';
        Assert.Contains("not a .npy file", (await RefusedAsync("a.npy", file)).Reason);
        string wide = Header.Replace("(2, 3)", "(0, 4294967296)", StringComparison.Ordinal);
        Assert.Contains("4294967296 dimensions", (await RefusedAsync("a.npy", VectorFiles.Numpy(wide, []))).Reason);
    }

    [Theory]
    [InlineData("a.fvecs", "it is empty")]
    [InlineData("a.npy", "it is not a .npy file")]
    public async Task Empty_files_are_refused(string name, string reason) =>
        Assert.Equal(reason, (await RefusedAsync(name, [])).Reason);

    [Fact]
    public async Task Files_without_rows_are_refused()
    {
        byte[] numpy = VectorFiles.Numpy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }", []);
        byte[] arrow = await VectorFiles.ArrowAsync(new RecordBatch(("v", ArrowArray.Vectors<float>(ReadOnlyMemory<float>.Empty, 3))));
        foreach ((string name, byte[] content) in new[] { ("a.npy", numpy), ("a.arrow", arrow) })
        {
            string path = await VectorFiles.WriteAsync(_folder.Path, name, content);
            InvalidInputException failure = await BuiltObjects.FailAsync<InvalidInputException>(VectorSource.FromFile(path));
            Assert.Equal((path, "there are no vectors"), (failure.InputName, failure.Reason));
            Assert.Equal(0, (await VectorSource.FromFile(path).LoadAsync()).Count);
        }
    }

    [Fact]
    public async Task Columns_that_are_missing_or_ambiguous_are_named()
    {
        ArrowArray vectors = ArrowArray.Vectors(Vectors), numbers = ArrowArray.From<int>(new int[7]);
        byte[] one = await VectorFiles.ArrowAsync(new RecordBatch(("v", vectors), ("n", numbers)));
        byte[] two = await VectorFiles.ArrowAsync(new RecordBatch(("v", vectors), ("w", vectors)));
        byte[] none = await VectorFiles.ArrowAsync(new RecordBatch(("n", numbers)));
        byte[] twice = await VectorFiles.ArrowAsync(new RecordBatch(("v", vectors), ("n", numbers), ("n", numbers)));
        Assert.Contains("'x'", (await RefusedAsync("a.arrow", one, "x")).Reason);
        Assert.Contains("'n'", (await RefusedAsync("a.arrow", one, "n")).Reason);
        Assert.Contains("'v', 'w'", (await RefusedAsync("a.arrow", two)).Reason);
        Assert.Contains("No column", (await RefusedAsync("a.arrow", none)).Reason);
        Assert.Contains("called 'n'", (await RefusedAsync("a.arrow", twice)).Reason);
        Assert.Equal(7, (await LoadAsync("a.arrow", two, "w")).Count);
    }

    [Fact]
    public void Names_that_tell_nothing_are_refused()
    {
        Assert.Throws<ArgumentException>(() => VectorSource.FromFile(""));
        Assert.Throws<ArgumentException>(() => VectorSource.FromFile("vectors.csv"));
        Assert.Throws<ArgumentException>(() => VectorSource.FromFile("vectors.npy", "column"));
        Assert.Throws<FileNotFoundException>(() => VectorSource.FromFile(Path.Combine(_folder.Path, "none.fvecs")));
    }

    [Fact]
    public async Task Several_batches_are_loaded_as_one_matrix_and_must_fit()
    {
        VectorSource source = VectorSource.FromBatches(VectorFiles.BatchesAsync(Vectors, null, 2, 0, 3));
        Assert.Equal(Vectors.Values.ToArray(), (await source.LoadAsync()).Values.ToArray());
        InvalidInputException failure = await Assert.ThrowsAsync<InvalidInputException>(
            () => VectorSource.FromBatches(Ragged()).LoadAsync());
        Assert.Equal(7, failure.Row);

        static async IAsyncEnumerable<VectorBatch> Ragged()
        {
            await Task.Yield();
            yield return new VectorBatch(Vectors);
            yield return new VectorBatch(new VectorMatrix(new float[4], 4));
        }
    }

    private static async Task<byte[]> ContentAsync(string name) => Path.GetExtension(name) switch
    {
        ".fvecs" => VectorFiles.Rows(Vectors, VectorFiles.Singles),
        ".bvecs" => VectorFiles.Rows(Vectors, VectorFiles.Bytes),
        ".npy" => VectorFiles.Numpy(Vectors, "<f4", VectorFiles.Singles),
        _ => await VectorFiles.ArrowAsync(new RecordBatch(("v", ArrowArray.Vectors(Vectors)))),
    };

    private async Task<VectorMatrix> LoadAsync(string name, byte[] content, string? column = null) =>
        await VectorSource.FromFile(await VectorFiles.WriteAsync(_folder.Path, name, content), column).LoadAsync();

    private async Task<InvalidInputException> RefusedAsync(string name, byte[] content, string? column = null)
    {
        InvalidInputException failure = await Assert.ThrowsAsync<InvalidInputException>(() => LoadAsync(name, content, column));
        Assert.Equal(Path.Combine(_folder.Path, name), failure.InputName);
        return failure;
    }
}
