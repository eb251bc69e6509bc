namespace QuickStart.Documentation;

/// <summary>
/// Turns a documentation ID into what a C# programmer would write:
/// <c>M:System.Collections.Generic.List`1.FindIndex(System.Int32,System.Predicate{`0})</c>
/// becomes <c>List&lt;T&gt;.FindIndex(int, Predicate&lt;T&gt;)</c>.
/// </summary>
/// <remarks>
/// An ID has no parameter names and shows out, in and ref alike ("@"); the names of type parameters come from the documentation.
/// </remarks>
internal sealed class MemberName
{
    private static readonly Dictionary<string, string> Keywords = new()
    {
        ["System.Object"] = "object", ["System.String"] = "string", ["System.Boolean"] = "bool", ["System.Char"] = "char",
        ["System.Byte"] = "byte", ["System.SByte"] = "sbyte", ["System.Int16"] = "short", ["System.UInt16"] = "ushort",
        ["System.Int32"] = "int", ["System.UInt32"] = "uint", ["System.Int64"] = "long", ["System.UInt64"] = "ulong",
        ["System.Single"] = "float", ["System.Double"] = "double", ["System.Decimal"] = "decimal", ["System.Void"] = "void",
    };

    private readonly string _text;
    private readonly IReadOnlyList<string> _typeParameters;
    private readonly IReadOnlyList<string> _methodParameters;
    private int _position;

    private MemberName(string text, IReadOnlyList<string> typeParameters, IReadOnlyList<string> methodParameters) =>
        (_text, _typeParameters, _methodParameters) = (text, typeParameters, methodParameters);

    private char Next => _position < _text.Length ? _text[_position] : '\0';

    /// <summary>The C# keyword for a type, or its last name without the number of type parameters.</summary>
    public static string OfType(string fullName) =>
        Keywords.GetValueOrDefault(fullName) ?? fullName[(fullName.LastIndexOf('.') + 1)..].Split('`')[0];

    /// <summary>Names for the type parameters that an ID's last name says it has, from the documentation where that gives them.</summary>
    /// <param name="fullName">Ends with <c>`2</c> (a type) or <c>``2</c> (a method) if there are two.</param>
    /// <param name="documented">The documented names; a nested type's may start with those of the type around it.</param>
    public static string[] TypeParameters(string fullName, IReadOnlyList<string> documented)
    {
        string name = fullName[(fullName.LastIndexOf('.') + 1)..];
        int count = name.Contains('`') ? int.Parse(name.AsSpan(name.LastIndexOf('`') + 1)) : 0;
        return documented.Count >= count
            ? [.. documented.TakeLast(count)]
            : [.. Enumerable.Range(1, count).Select(number => count == 1 ? "T" : $"T{number}")];
    }

    /// <summary>A list of type parameters or arguments, or nothing where there are none.</summary>
    public static string Generic(IReadOnlyCollection<string> parameters) =>
        parameters.Count == 0 ? "" : $"<{string.Join(", ", parameters)}>";

    /// <summary>Formats the parameter list of an ID, given with its parentheses.</summary>
    /// <param name="list">Such as <c>(System.Int32,System.Predicate{`0})</c>.</param>
    /// <param name="typeParameters">Names for `0, `1, ...</param>
    /// <param name="methodParameters">Names for ``0, ``1, ...</param>
    public static string Parameters(string list, IReadOnlyList<string> typeParameters, IReadOnlyList<string> methodParameters) =>
        string.Join(", ", new MemberName(list, typeParameters, methodParameters).ReadList(')'));

    /// <summary>Reads an opening character, types separated by commas, and the closing character.</summary>
    private List<string> ReadList(char close)
    {
        var types = new List<string>();
        do
        {
            _position++;
            types.Add(ReadType());
        }
        while (Next == ',');
        if (Next == close) _position++;
        return types;
    }

    private string ReadType()
    {
        string type = Next == '`' ? ReadTypeParameter() : ReadNamedType();
        for (; Next is '[' or '*'; _position++)
        {
            if (Next == '*')
            {
                type += "*";
                continue;
            }

            // "[]" or, with more than one dimension, "[0:,0:]".
            int end = _text.IndexOf(']', _position);
            type += $"[{new string(',', _text.AsSpan(_position, end - _position).Count(','))}]";
            _position = end;
        }
        if (Next != '@') return type;
        _position++;
        return $"ref {type}";
    }

    private string ReadTypeParameter()
    {
        int start = _position;
        while (Next == '`') _position++;
        IReadOnlyList<string> names = _position - start == 2 ? _methodParameters : _typeParameters;
        int digits = _position;
        while (char.IsAsciiDigit(Next)) _position++;
        int number = int.Parse(_text.AsSpan(digits, _position - digits));
        return number < names.Count ? names[number] : $"T{number + 1}";
    }

    private string ReadNamedType()
    {
        int start = _position;
        while (Next is not ('{' or '}' or ',' or ')' or '[' or '*' or '@' or '\0')) _position++;
        string fullName = _text[start.._position];
        if (Next != '{') return OfType(fullName);

        List<string> arguments = ReadList('}');
        if (fullName == "System.Nullable") return $"{arguments[0]}?";
        string type = OfType(fullName) + Generic(arguments);
        return Next == '.' ? $"{type}.{ReadNamedType().TrimStart('.')}" : type;   // A type nested in a generic one.
    }
}
