namespace QuickStart.Embedding;

/// <summary>Turns texts into unit vectors: one vector per known word, summed up.</summary>
/// <param name="terms">The known word stems.</param>
/// <param name="termVectors">Their vectors, longer for rarer words.</param>
internal sealed class TextModel(IReadOnlyList<string> terms, DenseMatrix termVectors)
{
    private readonly Dictionary<string, int> _rows =
        terms.Select((term, row) => (term, row)).ToDictionary(pair => pair.term, pair => pair.row);

    public IReadOnlyList<string> Terms => terms;

    public DenseMatrix TermVectors => termVectors;

    public int Dimensions => termVectors.ColumnCount;

    /// <summary>True where a text has a known word, and thereby a vector.</summary>
    public bool Knows(WordCounts words) => words.Counts.Keys.Any(_rows.ContainsKey);

    /// <summary>Writes the vector of a text; false, and zeros, where it has none.</summary>
    public bool TryEmbed(WordCounts words, Span<float> vector)
    {
        vector.Clear();
        foreach ((string term, float count) in words.Counts)
            if (_rows.TryGetValue(term, out int row)) DenseMatrix.AddScaled(termVectors.Row(row), Damp(count), vector);
        return TryNormalize(vector);
    }

    /// <summary>A word that occurs twice as often does not matter twice as much.</summary>
    public static float Damp(float count) => MathF.Log(1 + count);

    /// <summary>Scales to length 1; false for zeros, which have no direction.</summary>
    public static bool TryNormalize(Span<float> vector)
    {
        float sum = 0;
        foreach (float value in vector) sum += value * value;
        if (sum == 0) return false;
        foreach (ref float value in vector) value /= MathF.Sqrt(sum);
        return true;
    }
}
