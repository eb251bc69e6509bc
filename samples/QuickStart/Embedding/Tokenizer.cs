namespace QuickStart.Embedding;

/// <summary>Cuts English text and C# names into lower-case word stems.</summary>
internal static class Tokenizer
{
    // Words that say how a sentence or a question is built, not what it is about.
    private static readonly HashSet<string> StopWords =
    [
        "a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "has", "how", "i", "if", "in",
        "into", "is", "it", "its", "my", "of", "on", "or", "that", "the", "then", "this", "to", "used", "using", "was", "what",
        "when", "where", "whether", "which", "will", "with", "you",
    ];

    /// <summary>The stems of a text: <c>"ReadAllLines reads a file."</c> gives read, all, lin, read, fil.</summary>
    public static IEnumerable<string> Tokenize(string text)
    {
        int start = 0;
        while (start < text.Length)
        {
            if (!char.IsLetterOrDigit(text[start]))
            {
                start++;
                continue;
            }
            int end = start + 1;
            while (end < text.Length && !IsBoundary(text, end)) end++;

            string word = text[start..end].Replace("-", "").ToLowerInvariant();
            start = end;
            if (!StopWords.Contains(word)) yield return Stem(word);
        }
    }

    /// <summary>True where a word ends: before a space or sign, and inside a PascalCase name before the next word.</summary>
    private static bool IsBoundary(string text, int index)
    {
        char previous = text[index - 1], current = text[index], next = index + 1 < text.Length ? text[index + 1] : ' ';

        // "SHA-256" and "UTF-8" are written SHA256 and UTF8 in names.
        if (current == '-') return !(char.IsLetter(previous) && char.IsAsciiDigit(next));
        if (!char.IsLetterOrDigit(current)) return true;
        if (!char.IsUpper(current)) return false;

        // "ReadAll" is cut before A and "XMLReader" before R, but "GZip" and "IPv4" not after their single letter.
        bool previousStartsName = index == 1 || !char.IsLetterOrDigit(text[index - 2]);
        return !char.IsUpper(previous) || (char.IsLower(next) && !previousStartsName);
    }

    /// <summary>Removes the common endings, so that "files", "writer" and "compression" meet "file", "write" and "compress".</summary>
    private static string Stem(string word)
    {
        if (word.Length > 4 && word.EndsWith("ies")) word = word[..^3] + "y";
        else if (word.Length > 3 && word[^1] == 's' && word[^2] is not ('s' or 'u' or 'i')) word = word[..^1];

        if (word.Length > 5 && word.EndsWith("ing")) word = Undouble(word[..^3]);
        else if (word.Length > 4 && word.EndsWith("ed")) word = Undouble(word[..^2]);
        else if (word.Length > 7 && word.EndsWith("ization")) word = word[..^5];
        else if (word.Length > 5 && (word.EndsWith("er") || word.EndsWith("or"))) word = Undouble(word[..^2]);
        else if (word.Length > 6 && (word.EndsWith("sion") || word.EndsWith("tion"))) word = word[..^3];

        return word.Length > 3 && word.EndsWith('e') ? word[..^1] : word;
    }

    /// <summary>"mapp" (from "mapping") becomes "map"; "pass" and "call" stay.</summary>
    private static string Undouble(string stem) =>
        stem.Length > 3 && stem[^1] == stem[^2] && stem[^1] is not ('l' or 's' or 'z') ? stem[..^1] : stem;
}
