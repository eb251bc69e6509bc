namespace VectorEngine.Arrow;

/// <summary>A column's name and type.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
/// <param name="Nullable">Whether values may be missing.</param>
public sealed record ArrowField(string Name, ArrowType Type, bool Nullable = true);

/// <summary>The columns of a table, in order.</summary>
public sealed class ArrowSchema
{
    private readonly ArrowField[] _fields;
    private readonly Dictionary<string, int> _indexes;

    /// <summary>Describes a table with these columns.</summary>
    /// <param name="fields">The columns. Names may repeat, as files may have them so; looking up such a name finds the first.</param>
    public ArrowSchema(params IEnumerable<ArrowField> fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        _fields = [.. fields];
        _indexes = new Dictionary<string, int>(_fields.Length, StringComparer.Ordinal);
        for (int i = 0; i < _fields.Length; i++)
            _indexes.TryAdd(_fields[i].Name, i);
    }

    /// <summary>The columns, in order.</summary>
    public IReadOnlyList<ArrowField> Fields => _fields;

    /// <summary>The column called <paramref name="name"/>.</summary>
    /// <param name="name">Its name, case-sensitive.</param>
    /// <exception cref="KeyNotFoundException">No column has this name.</exception>
    public ArrowField this[string name] => _fields[RequireIndex(name)];

    /// <summary>The position of the column called <paramref name="name"/>, or -1 if there is none.</summary>
    /// <param name="name">Its name, case-sensitive.</param>
    public int IndexOf(string name) => _indexes.GetValueOrDefault(name, -1);

    /// <summary>The column to build an index from: vectors of float16 or float32.</summary>
    /// <param name="name">Its name, case-sensitive; null for the only column of such vectors.</param>
    /// <exception cref="KeyNotFoundException">No column has this name, or no column has vectors.</exception>
    /// <exception cref="ArgumentException">The column has no vectors, or several have and none was named.</exception>
    public ArrowField FindVectors(string? name = null)
    {
        if (name is not null)
        {
            ArrowField named = this[name];
            return HasVectors(named) ? named : throw new ArgumentException(
                $"Column '{name}' holds {named.Type}, not fixed-size lists of float16 or float32.", nameof(name));
        }

        ArrowField[] candidates = [.. _fields.Where(HasVectors)];
        return candidates switch
        {
            [var only] => only,
            [] => throw new KeyNotFoundException("No column holds fixed-size lists of float16 or float32."),
            _ => throw new ArgumentException(
                $"Several columns hold vectors, name one: '{string.Join("', '", candidates.Select(field => field.Name))}'.", nameof(name)),
        };
    }

    /// <summary>Whether two tables have the same columns: names, types and order; null stands for no table.</summary>
    internal static bool AreEqual(ArrowSchema? x, ArrowSchema? y) =>
        x is null || y is null ? x == y : x._fields.AsSpan().SequenceEqual(y._fields);

    internal int RequireIndex(string name) => _indexes.TryGetValue(name, out int index)
        ? index
        : throw new KeyNotFoundException($"No column '{name}' is among '{string.Join("', '", _fields.Select(field => field.Name))}'.");

    private static bool HasVectors(ArrowField field) => field.Type.ElementType is { Kind: ArrowTypeKind.Float16 or ArrowTypeKind.Float32 };
}
