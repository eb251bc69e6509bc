namespace VectorEngine.Tests.Architecture;

/// <summary>
/// Which namespace may use which: its own, and those of a lower level. Types of the root namespace that use no part of it, not even
/// through one another, are vocabulary and may be used from anywhere; the others have the root's level.
/// </summary>
/// <param name="root">The namespace whose parts have the levels; types elsewhere are ignored.</param>
/// <param name="levels">The level of each part, by the segment after the root; the root's own under "".</param>
internal sealed class LayerRules(string root, IReadOnlyDictionary<string, int> levels)
{
    /// <summary>Every breach of the rule, in words.</summary>
    public IReadOnlyList<string> Violations(IEnumerable<TypeReference> references)
    {
        TypeReference[] inside = [.. references.Where(r => PartOf(r.From) is not null && PartOf(r.To) is not null)];
        HashSet<TypeName> notVocabulary = RootTypesThatUseParts(inside);

        IEnumerable<string> unknown = inside.SelectMany(r => new[] { PartOf(r.From)!, PartOf(r.To)! }).Distinct()
            .Where(part => !levels.ContainsKey(part)).Select(part => $"{root}.{part} has no level.");
        IEnumerable<string> forbidden = inside
            .Where(r => PartOf(r.To) != "" || notVocabulary.Contains(r.To))
            .Where(PointsUpOrSideways)
            .Select(r => $"{r.From} ({LevelOf(r.From)}) uses {r.To} ({LevelOf(r.To)}) in {r.Where}.");
        return [.. unknown.Concat(forbidden).Order(StringComparer.Ordinal)];
    }

    private bool PointsUpOrSideways(TypeReference reference) =>
        PartOf(reference.From) != PartOf(reference.To) && LevelOf(reference.To) >= LevelOf(reference.From);

    private int? LevelOf(TypeName type) => levels.TryGetValue(PartOf(type)!, out int level) ? level : null;

    /// <summary>The part of the root namespace that a type belongs to: "" for the root itself, null for a type elsewhere.</summary>
    private string? PartOf(TypeName type)
    {
        if (type.Namespace == root)
            return "";
        return type.Namespace.StartsWith(root + ".", StringComparison.Ordinal) ? type.Namespace[(root.Length + 1)..].Split('.')[0] : null;
    }

    private HashSet<TypeName> RootTypesThatUseParts(TypeReference[] references)
    {
        TypeReference[] fromRoot = [.. references.Where(r => PartOf(r.From) == "")];
        HashSet<TypeName> found = [.. fromRoot.Where(r => PartOf(r.To) != "").Select(r => r.From)];
        int before;
        do
        {
            before = found.Count;
            found.UnionWith(fromRoot.Where(r => found.Contains(r.To)).Select(r => r.From).ToArray());
        }
        while (found.Count > before);
        return found;
    }
}
