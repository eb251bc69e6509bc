namespace QuickStart.Embedding;

/// <summary>Learns a <see cref="TextModel"/> from the words of many documents.</summary>
/// <remarks>
/// With X the matrix of documents by words (damped counts times inverse document frequency, rows of length 1), a text x becomes
/// <c>[ a V^T x ; R (x - V V^T x) ]</c>:
/// V holds the strongest right singular vectors of X, so words that occur together come to lie together (latent semantic analysis:
/// S. Deerwester et al., 1990). They keep what is common, though, and lose the rare words that make a query specific;
/// R, a random projection of what V leaves over, keeps the inner products of that part up to noise (Johnson-Lindenstrauss).
/// The two together find more than the exact inner products of X do, and far more than V alone.
/// </remarks>
internal static class TextModelTrainer
{
    private const int LatentDimensions = 256;
    private const int RandomDimensions = 256;
    private const float LatentWeight = 1.4f;   // a
    private const int MinDocumentCount = 2;    // A word of one document only relates it to nothing.

    public static TextModel Train(IReadOnlyList<WordCounts> documents, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        progress?.Report(0);
        Dictionary<string, int> documentCounts = documents.SelectMany(document => document.Counts.Keys).CountBy(term => term)
            .Where(pair => pair.Value >= MinDocumentCount).ToDictionary();
        string[] terms = [.. documentCounts.Keys.Order(StringComparer.Ordinal)];
        float[] rarities = [.. terms.Select(term => MathF.Log((float)documents.Count / documentCounts[term]))];

        DenseMatrix latent = SingularVectors.Compute(
            WeightedCounts(documents, terms, rarities), LatentDimensions, progress, cancellationToken);
        DenseMatrix random = SingularVectors.RandomSigns(terms.Length, RandomDimensions);
        DenseMatrix spanned = latent.Multiply(latent.TransposeMultiply(random));

        // The map above is linear: each word has its own column of it, and a text's vector is a sum over its words.
        var termVectors = new DenseMatrix(terms.Length, LatentDimensions + RandomDimensions);
        for (int term = 0; term < terms.Length; term++)
        {
            Span<float> vector = termVectors.Row(term);
            DenseMatrix.AddScaled(latent.Row(term), rarities[term] * LatentWeight, vector[..latent.ColumnCount]);
            float scale = rarities[term] / MathF.Sqrt(RandomDimensions);
            DenseMatrix.AddScaled(random.Row(term), scale, vector[LatentDimensions..]);
            DenseMatrix.AddScaled(spanned.Row(term), -scale, vector[LatentDimensions..]);
        }
        return new TextModel(terms, termVectors);
    }

    /// <summary>The matrix X.</summary>
    private static SparseMatrix WeightedCounts(IReadOnlyList<WordCounts> documents, string[] terms, float[] rarities)
    {
        Dictionary<string, int> columnOf =
            terms.Select((term, column) => (term, column)).ToDictionary(pair => pair.term, pair => pair.column);
        var rowStarts = new int[documents.Count + 1];
        List<int> columns = [];
        List<float> values = [];
        for (int row = 0; row < documents.Count; row++)
        {
            foreach ((string term, float count) in documents[row].Counts)
            {
                if (!columnOf.TryGetValue(term, out int column)) continue;
                columns.Add(column);
                values.Add(TextModel.Damp(count) * rarities[column]);
            }
            rowStarts[row + 1] = values.Count;
        }
        float[] allValues = [.. values];
        for (int row = 0; row < documents.Count; row++) TextModel.TryNormalize(allValues.AsSpan(rowStarts[row]..rowStarts[row + 1]));
        return new SparseMatrix(rowStarts, [.. columns], allValues, terms.Length);
    }
}
