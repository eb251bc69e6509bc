namespace VectorEngine.Arrow;

/// <summary>
/// The Arrow C Data Interface (https://arrow.apache.org/docs/format/CDataInterface.html): tables go to and come from other implementations
/// of Arrow in the same process, without being copied.
/// </summary>
/// <remarks>
/// Pointers are addresses of the interface's structures <c>ArrowSchema</c> and <c>ArrowArray</c>. Who exports fills structures that the
/// other side has allocated, of <see cref="SchemaSize"/> and <see cref="ArraySize"/> bytes; who imports takes over what they hold and
/// marks them as released. What is copied, in both directions, are the offsets of large types; when importing, also bitmaps and what a
/// dictionary encodes.
/// </remarks>
public static unsafe class ArrowCData
{
    /// <summary>The size of a structure <c>ArrowArray</c> in bytes.</summary>
    public static int ArraySize => sizeof(CArray);

    /// <summary>The size of a structure <c>ArrowSchema</c> in bytes.</summary>
    public static int SchemaSize => sizeof(CSchema);

    /// <summary>
    /// Lends a table to another implementation. The table stays where it is in memory until both structures are released.
    /// </summary>
    /// <param name="batch">The table.</param>
    /// <param name="array">An <c>ArrowArray</c> to fill, a struct array with a child for each column.</param>
    /// <param name="schema">An <c>ArrowSchema</c> to fill.</param>
    /// <exception cref="ArgumentNullException">A pointer is null.</exception>
    /// <exception cref="ArgumentException">A name has a character 0.</exception>
    public static void Export(RecordBatch batch, nint array, nint schema)
    {
        ArgumentNullException.ThrowIfNull(batch);
        CheckPointers(array, schema);
        CExport.Schema(batch.Schema, (CSchema*)schema);
        CExport.Batch(batch, (CArray*)array);
    }

    /// <summary>Lends a column to another implementation. It stays where it is in memory until both structures are released.</summary>
    /// <param name="values">The column.</param>
    /// <param name="array">An <c>ArrowArray</c> to fill.</param>
    /// <param name="schema">An <c>ArrowSchema</c> to fill, without a name.</param>
    /// <exception cref="ArgumentNullException">A pointer is null.</exception>
    public static void Export(ArrowArray values, nint array, nint schema)
    {
        ArgumentNullException.ThrowIfNull(values);
        CheckPointers(array, schema);
        CExport.Field(new ArrowField("", values.Type), (CSchema*)schema);
        CExport.Column(values, (CArray*)array);
    }

    /// <summary>Describes the columns of a table to another implementation.</summary>
    /// <param name="columns">The columns.</param>
    /// <param name="schema">An <c>ArrowSchema</c> to fill, a struct with a child for each column.</param>
    /// <exception cref="ArgumentException">A name has a character 0, or the pointer is null.</exception>
    /// <exception cref="NotSupportedException">A column is of an <see cref="ArrowTypeKind.Unsupported"/> type.</exception>
    public static void ExportSchema(ArrowSchema columns, nint schema)
    {
        ArgumentNullException.ThrowIfNull(columns);
        ArgumentNullException.ThrowIfNull((void*)schema);
        CExport.Schema(columns, (CSchema*)schema);
    }

    /// <summary>Takes over a table of another implementation. Both structures are released in the end, also if importing fails.</summary>
    /// <param name="array">An <c>ArrowArray</c>, a struct array none of whose rows is missing.</param>
    /// <param name="schema">Its <c>ArrowSchema</c>.</param>
    /// <exception cref="ArgumentException">A structure is released already, or a pointer is null.</exception>
    /// <exception cref="CorruptDataException">
    /// The structures contradict each other or the interface. Only so much can be checked: buffers come without their lengths.
    /// </exception>
    /// <exception cref="NotSupportedException">A column is of a type that is not supported, or too long.</exception>
    public static Imported<RecordBatch> ImportBatch(nint array, nint schema)
    {
        (NativeArray owner, CImport import) = Begin(array, schema);
        return Finish(owner, () => import.Batch(owner.Root));
    }

    /// <summary>Takes over a column of another implementation. Both structures are released in the end, also if importing fails.</summary>
    /// <param name="array">An <c>ArrowArray</c>.</param>
    /// <param name="schema">Its <c>ArrowSchema</c>.</param>
    /// <inheritdoc cref="ImportBatch"/>
    public static Imported<ArrowArray> ImportArray(nint array, nint schema)
    {
        (NativeArray owner, CImport import) = Begin(array, schema);
        return Finish(owner, () => import.Column(owner.Root));
    }

    /// <summary>Reads another implementation's description of a table, and releases it.</summary>
    /// <param name="schema">An <c>ArrowSchema</c>, a struct with a child for each column.</param>
    /// <exception cref="ArgumentException">The structure is released already, or the pointer is null.</exception>
    /// <exception cref="CorruptDataException">The structure contradicts the interface.</exception>
    /// <exception cref="NotSupportedException">A column is of a type that is not supported.</exception>
    public static ArrowSchema ImportSchema(nint schema)
    {
        ArgumentNullException.ThrowIfNull((void*)schema);
        return CField.Take((CSchema*)schema).ToSchema();
    }

    private static (NativeArray Owner, CImport Import) Begin(nint array, nint schema)
    {
        CheckPointers(array, schema);
        // SAFETY: the caller vouches for the pointer.
        if (((CSchema*)schema)->Release is null)
            throw new ArgumentException("The schema has been released.", nameof(schema));
        var owner = new NativeArray((CArray*)array);
        try
        {
            return (owner, new CImport(owner, CField.Take((CSchema*)schema)));
        }
        catch
        {
            owner.Dispose();
            throw;
        }
    }

    private static Imported<T> Finish<T>(NativeArray owner, Func<T> import) where T : class
    {
        try
        {
            return new Imported<T>(import(), owner);
        }
        catch
        {
            owner.Dispose();
            throw;
        }
    }

    private static void CheckPointers(nint array, nint schema)
    {
        ArgumentNullException.ThrowIfNull((void*)array);
        ArgumentNullException.ThrowIfNull((void*)schema);
    }
}

/// <summary>
/// A table or column in memory of another implementation, which gets it back when this object is disposed, or else when neither this
/// object nor any array of it is in use any more.
/// </summary>
/// <remarks>
/// Once it is given back, use of the arrays throws <see cref="ObjectDisposedException"/>; nobody may be using them on another thread
/// meanwhile. Spans do not keep memory in use: keep this object until the last use of any, which <c>using</c> does.
/// </remarks>
/// <typeparam name="T"><see cref="RecordBatch"/> or <see cref="ArrowArray"/>.</typeparam>
public sealed class Imported<T> : IDisposable where T : class
{
    private readonly NativeArray _owner;

    internal Imported(T value, NativeArray owner) => (Value, _owner) = (value, owner);

    /// <summary>The table or column.</summary>
    public T Value { get; }

    /// <summary>Gives the memory back, or, where a part of it was exported again, as soon as that is released.</summary>
    public void Dispose() => _owner.Dispose();
}
