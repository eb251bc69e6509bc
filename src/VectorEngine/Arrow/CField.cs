using System.Runtime.InteropServices;

namespace VectorEngine.Arrow;

/// <summary>What a schema of the C Data Interface says.</summary>
/// <param name="Name">The column's name.</param>
/// <param name="Type">The type of its values; null for a struct.</param>
/// <param name="IndexType">Where it is encoded by a dictionary, the type of the positions.</param>
/// <param name="Nullable">Whether values may be missing.</param>
/// <param name="Children">A struct's columns.</param>
internal sealed record CField(string Name, ArrowType? Type, ArrowType? IndexType, bool Nullable, CField[] Children)
{
    /// <summary>Reads a schema, and releases it.</summary>
    /// <exception cref="ArgumentException">It has been released.</exception>
    public static unsafe CField Take(CSchema* schema)
    {
        // SAFETY: the caller vouches for the schema, which is released once: the callback sets the pointer to null.
        if (schema->Release is null)
            throw new ArgumentException("The schema has been released.");
        try
        {
            return Text(schema->Format) == CFormat.Struct
                ? new CField(Text(schema->Name), null, null, false, Array.ConvertAll(ChildrenOf(schema), child => Read((CSchema*)child)))
                : Read(schema);
        }
        finally
        {
            schema->Release(schema);
        }
    }

    public ArrowField ToField() => new(Name, Type ?? throw Unsupported(Name, CFormat.Struct), Nullable);

    /// <exception cref="CorruptDataException">This is no struct.</exception>
    public ArrowSchema ToSchema() =>
        Type is null ? new(Children.Select(child => child.ToField())) : throw Corrupt(Name, $"a table of type {Type}, which is no struct");

    public static CorruptDataException Corrupt(string column, string reason) => new($"Arrow C data, column '{column}'", 0, 0, reason);

    public static NotSupportedException Unsupported(string column, string what) =>
        new($"Column '{column}' comes as Arrow C data with {what}, which is not supported.");

    private static unsafe CField Read(CSchema* schema)
    {
        // SAFETY: the schema has not been released, and what is followed is checked not to be null.
        string name = Text(schema->Name), format = Text(schema->Format);
        nint[] children = ChildrenOf(schema);
        bool nullable = (schema->Flags & CSchema.Nullable) != 0;
        if (schema->Dictionary is not null)
        {
            ArrowType? indexType = CFormat.Parse(format), valueType = CFormat.Parse(Text(schema->Dictionary->Format));
            return indexType is { Kind: <= ArrowTypeKind.UInt64 and not ArrowTypeKind.Bool } && valueType is { IsVariable: true }
                ? new CField(name, valueType, indexType, nullable, [])
                : throw Unsupported(name, $"a dictionary of '{Text(schema->Dictionary->Format)}'");
        }

        ArrowType type = ListType(name, format, children) ?? CFormat.Parse(format) ?? throw Unsupported(name, $"the format '{format}'");
        return new CField(name, type, null, nullable, []);
    }

    private static unsafe ArrowType? ListType(string name, string format, nint[] children)
    {
        if (!format.StartsWith(CFormat.FixedSizeList, StringComparison.Ordinal))
            return null;
        if (children.Length != 1)
            throw Corrupt(name, $"a list with {children.Length} children");
        // SAFETY: a child's pointer is checked not to be null.
        var child = (CSchema*)children[0];
        ArrowType? element = child->Dictionary is null ? CFormat.Parse(Text(child->Format)) : null;
        return int.TryParse(format[CFormat.FixedSizeList.Length..], out int listSize) && listSize > 0
            && element is not null && ArrowType.IsElement(element)
            ? ArrowType.FixedSizeList(element, listSize)
            : throw Unsupported(name, $"the format '{format}' of '{Text(child->Format)}'");
    }

    private static unsafe nint[] ChildrenOf(CSchema* schema)
    {
        // SAFETY: the schema says how many children there are; no pointer may be null.
        long count = schema->ChildCount;
        if (count < 0 || count > Array.MaxLength || (count != 0 && schema->Children is null))
            throw Corrupt(Text(schema->Name), $"a schema with {count} children");
        var children = new nint[count];
        for (int i = 0; i < count; i++)
        {
            children[i] = (nint)schema->Children[i];
            if (children[i] == 0)
                throw Corrupt(Text(schema->Name), $"a schema without its child {i}");
        }
        return children;
    }

    // SAFETY: a text of the interface ends with 0; null stands for an empty one.
    private static unsafe string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";
}
