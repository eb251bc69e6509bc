using QuickStart.Embedding;

namespace VectorEngine.Tests.QuickStart;

public sealed class QuickStartEmbeddingTests
{
    [Theory]
    [InlineData("ReadAllLines reads a file.", "read all lin read fil")]
    [InlineData("XMLReader UTF8Encoding SHA256", "xml read utf8 encod sha256")]
    [InlineData("the SHA-256 hash, in UTF-8", "sha256 hash utf8")]
    [InlineData("GZipStream IPv4", "gzip stream ipv4")]
    [InlineData("files writing mapped dictionaries compression serialization", "fil writ map dictionary compress serializ")]
    [InlineData("", "")]
    public void Texts_and_names_become_the_same_stems(string text, string stems) =>
        Assert.Equal(stems, string.Join(' ', Tokenizer.Tokenize(text)));

    [Fact]
    public void Jacobi_rotations_give_orthonormal_vectors_that_the_matrix_only_stretches()
    {
        const int n = 13;
        var factor = SingularVectors.RandomSigns(2 * n, n);
        DenseMatrix matrix = factor.TransposeMultiply(factor);

        List<(double[] Vector, double Value)> eigen = JacobiEigen.Decompose(matrix);

        Assert.Equal(eigen.OrderByDescending(pair => pair.Value), eigen);
        foreach ((double[] vector, double value) in eigen)
        {
            for (int row = 0; row < n; row++)
                Assert.Equal(value * vector[row], matrix.Row(row).ToArray().Zip(vector, (a, x) => a * x).Sum(), 1e-5 * eigen[0].Value);
            foreach ((double[] other, _) in eigen)
                Assert.Equal(ReferenceEquals(other, vector) ? 1 : 0, vector.Zip(other, (x, y) => x * y).Sum(), 1e-6);
        }
    }

    [Fact]
    public void Singular_vectors_keep_all_of_a_matrix_of_their_rank()
    {
        // Rows are multiples of three patterns, so three directions hold them wholly.
        float[][] patterns = [[3, 0, 1, 0, 0, 2, 0, 0], [0, 1, 0, 4, 0, 0, 0, 1], [0, 0, 2, 0, 5, 0, 1, 0]];
        float[][] rows = [.. Enumerable.Range(1, 30).Select(i => Array.ConvertAll(patterns[i % 3], value => value * i / 10))];
        SparseMatrix matrix = ToSparse(rows);

        DenseMatrix vectors = SingularVectors.Compute(matrix, 3, progress: null, CancellationToken.None);

        DenseMatrix coordinates = matrix.Multiply(vectors);
        for (int row = 0; row < rows.Length; row++)
        {
            double length = rows[row].Sum(value => value * value);
            Assert.Equal(length, coordinates.Row(row).ToArray().Sum(value => value * value), 1e-4 * length);
        }
    }

    [Fact]
    public void A_model_is_read_as_it_was_written()
    {
        string path = Path.GetTempFileName();
        try
        {
            TextModel model = SmallModel();
            TextModelFile.Save(path, "stamp", model);

            TextModel? read = TextModelFile.TryLoad(path, "stamp");

            Assert.NotNull(read);
            Assert.Equal(model.Terms, read.Terms);
            Assert.All(
                model.TermVectors.Values.Zip(read.TermVectors.Values),
                pair => Assert.Equal(pair.First, pair.Second, MathF.Abs(pair.First) / 256));   // Half of bfloat16's last bit.
            Assert.Null(TextModelFile.TryLoad(path, "another stamp"));
            Assert.Null(TextModelFile.TryLoad(path + ".missing", "stamp"));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_damaged_or_cut_model_is_not_taken()
    {
        string path = Path.GetTempFileName();
        try
        {
            TextModelFile.Save(path, "stamp", SmallModel());
            byte[] good = File.ReadAllBytes(path);
            for (int i = 0; i < good.Length; i += 7)
            {
                byte[] damaged = [.. good];
                damaged[i] ^= 0x10;
                File.WriteAllBytes(path, damaged);
                Assert.Null(TextModelFile.TryLoad(path, "stamp"));

                File.WriteAllBytes(path, good[..i]);
                Assert.Null(TextModelFile.TryLoad(path, "stamp"));
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Training_twice_gives_the_same_vectors() =>
        Assert.Equal(SmallModel().TermVectors.Values, SmallModel().TermVectors.Values);

    private static TextModel SmallModel()
    {
        string[] texts = ["open a file", "close a file", "open a socket", "close a socket", "sort an array", "sort a list"];
        return TextModelTrainer.Train([.. texts.Select(text => new WordCounts().Add(text))], progress: null, CancellationToken.None);
    }

    private static SparseMatrix ToSparse(float[][] rows)
    {
        var values = rows.SelectMany(row => row.Select((value, column) => (value, column))).Where(entry => entry.value != 0).ToArray();
        int[] starts = [0, .. rows.Select((_, index) => rows[..(index + 1)].Sum(row => row.Count(value => value != 0)))];
        return new SparseMatrix(
            starts, [.. values.Select(entry => entry.column)], [.. values.Select(entry => entry.value)], rows[0].Length);
    }
}
