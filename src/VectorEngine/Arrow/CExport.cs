using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace VectorEngine.Arrow;

/// <summary>
/// Fills structures of the C Data Interface. Each structure has resources of its own, so that one that the other side has moved out of its
/// parent stays valid when the parent is released; only the memory of a child's structure itself belongs to the parent.
/// </summary>
internal static unsafe class CExport
{
    public static void Schema(ArrowSchema schema, CSchema* target) =>
        Fill(target, CFormat.Struct, new ArrowField("", ArrowType.Null, Nullable: false), [.. schema.Fields]);

    public static void Field(ArrowField field, CSchema* target) =>
        Fill(target, CFormat.Of(field.Type), field, field.Type.ElementType is { } element ? [new ArrowField("item", element)] : []);

    public static void Batch(RecordBatch batch, CArray* target)
    {
        Fill(target, batch.RowCount, 0, [default], batch.Columns.Count);
        for (int i = 0; i < batch.Columns.Count; i++)
            Column(batch.Columns[i], target->Children[i]);
    }

    public static void Column(ArrowArray column, CArray* target)
    {
        var body = new BatchBody(rebase: false);
        column.AppendTo(body);
        bool isList = column.Type.Kind == ArrowTypeKind.FixedSizeList;
        // A list's validity comes first, then its child's buffers.
        Fill(target, column.Length, column.NullCount, isList ? body.Buffers[..1] : body.Buffers, isList ? 1 : 0);
        if (isList)
            Fill(target->Children[0], body.Nodes[1].Length, 0, body.Buffers[1..], 0);
    }

    private static void Fill(CSchema* target, string format, ArrowField field, ArrowField[] children)
    {
        // What cannot be expressed must not leave anything behind.
        foreach (ArrowField child in children)
        {
            CFormat.Of(child.Type);
            if (child.Name.Contains('\0', StringComparison.Ordinal))
                throw new ArgumentException($"The name '{child.Name}' has a character 0, which would end it.");
        }
        // SAFETY: the caller vouches for the target; everything that it points to is freed by ReleaseSchema.
        *target = new CSchema
        {
            Format = Utf8(format),
            Name = Utf8(field.Name),
            Flags = field.Nullable ? CSchema.Nullable : 0,
            ChildCount = children.Length,
            Children = (CSchema**)AllocatePointers(children.Length, sizeof(CSchema)),
            Release = &ReleaseSchema,
        };
        for (int i = 0; i < children.Length; i++)
            Field(children[i], target->Children[i]);
    }

    private static void Fill(CArray* target, long length, long nullCount, List<ReadOnlyMemory<byte>> buffers, int childCount)
    {
        MemoryHandle[] pins = [.. buffers.Select(buffer => buffer.Pin())];
        // SAFETY: the caller vouches for the target; everything that it points to is freed, and the pins are, by ReleaseArray.
        *target = new CArray
        {
            Length = length,
            NullCount = nullCount,
            BufferCount = pins.Length,
            ChildCount = childCount,
            Buffers = (void**)NativeMemory.AllocZeroed((nuint)pins.Length, (nuint)sizeof(void*)),
            Children = (CArray**)AllocatePointers(childCount, sizeof(CArray)),
            Release = &ReleaseArray,
            PrivateData = (void*)GCHandle.ToIntPtr(GCHandle.Alloc(pins)),
        };
        for (int i = 0; i < pins.Length; i++)
            target->Buffers[i] = pins[i].Pointer;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void ReleaseSchema(CSchema* schema)
    {
        // SAFETY: the structure, or the one that it was moved from, was filled above, and is released once.
        for (long i = 0; i < schema->ChildCount; i++)
        {
            CSchema* child = schema->Children[i];
            if (child->Release is not null)
                child->Release(child);
        }
        FreePointers((void**)schema->Children, schema->ChildCount);
        NativeMemory.Free(schema->Format);
        NativeMemory.Free(schema->Name);
        schema->Release = null;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void ReleaseArray(CArray* array)
    {
        // SAFETY: as for ReleaseSchema.
        for (long i = 0; i < array->ChildCount; i++)
        {
            CArray* child = array->Children[i];
            if (child->Release is not null)
                child->Release(child);
        }
        FreePointers((void**)array->Children, array->ChildCount);
        NativeMemory.Free(array->Buffers);
        var pins = GCHandle.FromIntPtr((nint)array->PrivateData);
        foreach (MemoryHandle pin in (MemoryHandle[])pins.Target!)
            pin.Dispose();
        pins.Free();
        array->Release = null;
    }

    /// <summary>Pointers to so many structures, which are zero.</summary>
    private static void** AllocatePointers(int count, int size)
    {
        // SAFETY: freed by FreePointers.
        var pointers = (void**)NativeMemory.AllocZeroed((nuint)count, (nuint)sizeof(void*));
        for (int i = 0; i < count; i++)
            pointers[i] = NativeMemory.AllocZeroed((nuint)size);
        return pointers;
    }

    private static void FreePointers(void** pointers, long count)
    {
        // SAFETY: they come from AllocatePointers.
        for (long i = 0; i < count; i++)
            NativeMemory.Free(pointers[i]);
        NativeMemory.Free(pointers);
    }

    private static byte* Utf8(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        // SAFETY: there is room for the text and the 0 that ends it.
        var bytes = (byte*)NativeMemory.AllocZeroed((nuint)length + 1);
        Encoding.UTF8.GetBytes(text, new Span<byte>(bytes, length));
        return bytes;
    }
}
