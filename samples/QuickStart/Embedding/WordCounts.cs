namespace QuickStart.Embedding;

/// <summary>How often each word stem occurs in a text; words of a field that matters less count as less than one.</summary>
internal sealed class WordCounts
{
    private readonly Dictionary<string, float> _counts = [];

    public IReadOnlyDictionary<string, float> Counts => _counts;

    /// <summary>Adds the words of a text or name, and returns this.</summary>
    public WordCounts Add(string text, float weight = 1)
    {
        foreach (string word in Tokenizer.Tokenize(text)) _counts[word] = _counts.GetValueOrDefault(word) + weight;
        return this;
    }
}
