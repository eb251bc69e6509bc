using System.Runtime.CompilerServices;

namespace Readme;

/// <summary>
/// Examples of README.md are tests: the lines between markers in the calling test's file, the last comment of which is what they print.
/// </summary>
internal static class ReadmeExample
{
    private const string Begin = "// README: begin", End = "// README: end", Comment = "// ";

    /// <summary>The readme has the example, word for word.</summary>
    public static void AssertShown([CallerFilePath] string file = "")
    {
        string readme = File.ReadAllText(Path.Combine(Path.GetDirectoryName(file)!, "..", "..", "README.md")).ReplaceLineEndings("\n");
        Assert.Contains($"```csharp\n{string.Join('\n', Lines(file))}\n```", readme, StringComparison.Ordinal);
    }

    /// <summary>The example has printed what it says.</summary>
    public static void AssertPrinted(StringWriter printed, [CallerFilePath] string file = "")
    {
        IEnumerable<string> promised = Lines(file).AsEnumerable().Reverse()
            .TakeWhile(line => line.StartsWith(Comment, StringComparison.Ordinal)).Select(line => line[Comment.Length..]).Reverse();
        Assert.Equal(promised, printed.ToString().TrimEnd().Split(printed.NewLine));
    }

    /// <summary>The lines between the markers, without the indentation of the file.</summary>
    private static List<string> Lines(string file)
    {
        var lines = new List<string>();
        bool inside = false;
        int indentation = 0;
        foreach (string line in File.ReadLines(file))
        {
            string text = line.TrimStart();
            if (text is Begin or End)
                (inside, indentation) = (text == Begin, line.Length - text.Length);
            else if (inside)
                lines.Add(line.Length == 0 ? line : line[indentation..]);
        }

        return lines;
    }
}
