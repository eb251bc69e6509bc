using System.Runtime.InteropServices;
using VectorEngine.Arrow;

namespace VectorEngine.Tests.Arrow;

/// <summary>An ArrowArray and an ArrowSchema in native memory, as the other side of the C Data Interface allocates them.</summary>
internal sealed unsafe class CPair : IDisposable
{
    public CPair()
    {
        // SAFETY: freed by Dispose; the sizes are those of the structures.
        Array = (CArray*)NativeMemory.AllocZeroed((nuint)ArrowCData.ArraySize);
        Schema = (CSchema*)NativeMemory.AllocZeroed((nuint)ArrowCData.SchemaSize);
    }

    public CPair(RecordBatch batch) : this() => ArrowCData.Export(batch, (nint)Array, (nint)Schema);

    public CPair(ArrowArray values) : this() => ArrowCData.Export(values, (nint)Array, (nint)Schema);

    public CArray* Array { get; }

    public CSchema* Schema { get; }

    public bool IsReleased => Array->Release is null && Schema->Release is null;

    public Imported<RecordBatch> ImportBatch() => ArrowCData.ImportBatch((nint)Array, (nint)Schema);

    public Imported<ArrowArray> ImportArray() => ArrowCData.ImportArray((nint)Array, (nint)Schema);

    public string Consume(int take = -1) => CLibrary.Consume((nint)Schema, (nint)Array, take);

    public void Dispose()
    {
        NativeMemory.Free(Array);
        NativeMemory.Free(Schema);
    }
}
