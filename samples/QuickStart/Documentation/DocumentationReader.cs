using System.Xml.Linq;

namespace QuickStart.Documentation;

/// <summary>Reads the members that XML documentation files describe.</summary>
internal static class DocumentationReader
{
    /// <summary>Reads all files and merges overloads of the same summary; in the order of the files.</summary>
    public static List<ApiMember> Read(IReadOnlyList<string> files, IProgress<double> progress, CancellationToken cancellationToken)
    {
        HashSet<string> publicTypes = [.. files.SelectMany(file => ReferenceAssembly.ReadTypeNames(Path.ChangeExtension(file, ".dll")))];
        int done = 0;
        List<Entry> entries = [.. files.AsParallel().AsOrdered().WithCancellation(cancellationToken)
            .SelectMany(file =>
            {
                List<Entry> read = ReadFile(file);
                progress.Report((double)Interlocked.Increment(ref done) / files.Count);
                return read;
            })
            .Where(entry => publicTypes.Contains(entry.Type))
            .DistinctBy(entry => entry.Id)];

        // An ID numbers type parameters; their names are in the documentation of the types.
        Dictionary<string, string[]> typeParameters = entries.Where(entry => entry.Kind == 'T')
            .ToDictionary(entry => entry.Name, entry => MemberName.TypeParameters(entry.Name, entry.TypeParameters));

        return [.. entries
            .Where(entry => entry.Summary.Length > 0)
            .Select(entry => ToMember(entry, typeParameters))
            .GroupBy(member => (member.Namespace, member.TypeName, member.MemberName, member.Summary))
            .Select(overloads => overloads.MinBy(member => member.Display.Length)!)];
    }

    /// <summary>What a file says about one documentation ID, such as <c>M:System.IO.File.Exists(System.String)</c>.</summary>
    private sealed record Entry(string Id, string Summary, string[] TypeParameters)
    {
        public char Kind => Id[0];

        /// <summary>The ID between its kind and its parameters.</summary>
        public string Name => Id[2..].Split('(', '~')[0];

        /// <summary>The type that the ID names, or whose member it names.</summary>
        public string Type => Kind == 'T' ? Name : Name[..Name.LastIndexOf('.')];

        /// <summary>The ID's parameters with their parentheses; empty where there are none.</summary>
        public string Parameters => Id[(Name.Length + 2)..].Split('~')[0];
    }

    private static List<Entry> ReadFile(string file) =>
    [
        .. from member in XDocument.Load(file).Descendants("member")
           let id = (string)member.Attribute("name")!
           where IsCalledByName(id)
           select new Entry(id, PlainText(member.Element("summary")), [.. member.Elements("typeparam").Select(NameOf)]),
    ];

    /// <summary>False for operators, and for implementations of an interface ('#'), which C# reaches through the interface only.</summary>
    private static bool IsCalledByName(string id) => !id.Contains(".op_") && !id.Replace(".#ctor", "").Contains('#');

    private static string NameOf(XElement element) => (string?)element.Attribute("name") ?? "";

    /// <summary>An element's text on one line, with references written as the names that they lead to.</summary>
    private static string PlainText(XElement? element)
    {
        if (element is null) return "";
        IEnumerable<string> pieces = element.DescendantNodes().Select(node => node switch
        {
            XText text => text.Value,
            XElement { Name.LocalName: "para" or "br" } => " ",
            XElement { IsEmpty: true } reference => Reference(reference),
            _ => "",
        });
        return string.Join(' ', string.Concat(pieces).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>What stands in place of an empty element: a keyword, a parameter's name, a type, or a member with its type.</summary>
    private static string Reference(XElement reference)
    {
        if ((reference.Attribute("langword") ?? reference.Attribute("name")) is { } word) return word.Value;
        if ((string?)reference.Attribute("cref") is not { Length: > 2 } id) return "";

        string name = id[2..].Split('(', '~')[0];
        int dot = name.LastIndexOf('.');
        return id[0] == 'T' || dot < 0
            ? MemberName.OfType(name)
            : $"{MemberName.OfType(name[..dot])}.{MemberName.OfType(name)}";
    }

    private static ApiMember ToMember(Entry entry, Dictionary<string, string[]> allTypeParameters)
    {
        string member = entry.Kind == 'T' ? "" : entry.Name[(entry.Type.Length + 1)..].Split('`')[0];

        // A nested type is written after the type around it, and numbers that one's type parameters too.
        string typeName = "", space = entry.Type;
        List<string> typeParameters = [];
        while (allTypeParameters.TryGetValue(space, out string[]? own))
        {
            typeName = $"{MemberName.OfType(space)}{MemberName.Generic(own)}{(typeName.Length > 0 ? "." : "")}{typeName}";
            typeParameters.InsertRange(0, own);
            space = space[..Math.Max(0, space.LastIndexOf('.'))];
        }
        if (typeName.Length == 0)
        {
            typeName = MemberName.OfType(entry.Type);
            space = entry.Type[..Math.Max(0, entry.Type.LastIndexOf('.'))];
        }

        string[] methodParameters = MemberName.TypeParameters(entry.Name, entry.TypeParameters);
        string parameters = entry.Parameters.Length == 0 ? "" : MemberName.Parameters(entry.Parameters, typeParameters, methodParameters);
        string display = (entry.Kind, member) switch
        {
            ('T', _) => typeName,
            ('M', "#ctor") => $"new {typeName}({parameters})",
            ('M', _) => $"{typeName}.{member}{MemberName.Generic(methodParameters)}({parameters})",
            ('P', "Item") when parameters.Length > 0 => $"{typeName}[{parameters}]",
            _ => $"{typeName}.{member}",
        };
        return new ApiMember(display, space, typeName, member == "#ctor" ? "" : member, entry.Summary);
    }
}
