namespace QuickStart.Documentation;

/// <summary>One documented member, or several overloads that share a name and a summary.</summary>
/// <param name="Display">How C# writes it: <c>File.ReadAllLines(string)</c>.</param>
/// <param name="Namespace">Its namespace.</param>
/// <param name="TypeName">The type that declares it, or that it is.</param>
/// <param name="MemberName">Its own name; empty for a type.</param>
/// <param name="Summary">What it does, in one paragraph of plain text.</param>
internal sealed record ApiMember(string Display, string Namespace, string TypeName, string MemberName, string Summary);
