using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VectorEngine.Arrow;

namespace VectorEngine.Tests.Arrow;

/// <summary>Structures of the C Data Interface that contradict it are refused, and released all the same.</summary>
public sealed unsafe class ArrowCDataDamageTests
{
    /// <summary>Changes one of the columns "n" (int32), "t" (utf8), "l" (large utf8), "v" (vectors), "b" (bool) of three rows.</summary>
    private delegate void Damage(CCopy pair, CArray** columns);

    [Fact]
    public void WhatContradictsItselfIsRefused()
    {
        (string Reason, Damage Damage)[] cases =
        [
            ("of -1 at", (_, c) => c[0]->Length = -1),
            ("offset -1", (_, c) => c[0]->Offset = -1),
            ("0 to 3 of 2", (_, c) => c[0]->Length = 2),
            ("0 to 3 of 2", (_, c) => c[3]->Length = 2),
            ("0 to 6 of 5", (_, c) => c[3]->Children[0]->Length = 5),
            ("2 of 3 values are missing", (_, c) => { c[0]->NullCount = 2; c[0]->Buffers[0] = null; }),
            ("-2 of 3", (_, c) => c[0]->NullCount = -2),
            ("4 of 3", (_, c) => c[0]->NullCount = 4),
            ("misses 1 values in place of 2", (_, c) => c[0]->NullCount = 2),
            ("misses 1 values in place of 0", (_, c) => c[0]->NullCount = 0),
            ("a buffer is missing", (_, c) => c[0]->Buffers[1] = null),
            ("a buffer is missing", (_, c) => c[1]->Buffers[1] = null),
            ("a buffer is missing", (_, c) => c[1]->Buffers[2] = null),
            ("a buffer is missing", (_, c) => c[2]->Buffers[1] = null),
            ("a buffer is missing", (_, c) => c[2]->Buffers[2] = null),
            ("a buffer is missing", (_, c) => c[3]->Children[0]->Buffers[1] = null),
            ("a buffer is missing", (_, c) => c[4]->Buffers[1] = null),
            ("offsets", (_, c) => ((int*)c[1]->Buffers[1])[1] = 9),
            ("offsets", (_, c) => ((int*)c[1]->Buffers[1])[0] = -1),
            ("offsets", (_, c) => ((int*)c[1]->Buffers[1])[3] = -1),
            ("offsets", (_, c) => ((long*)c[2]->Buffers[1])[1] = 9),
            ("offsets", (_, c) => ((long*)c[2]->Buffers[1])[0] = -1),
            ("offsets", (_, c) => ((long*)c[2]->Buffers[1])[3] = long.MinValue),
            ("text 1 is not UTF-8", (_, c) => ((byte*)c[1]->Buffers[2])[2] = 0xFF),
            ("text 0 is not UTF-8", (_, c) => ((int*)c[1]->Buffers[1])[1] = 1),
            ("3 buffers in place of 2", (_, c) => c[0]->BufferCount = 3),
            ("2 buffers in place of 3", (_, c) => c[1]->BufferCount = 2),
            ("5 children in place of 4", (pair, _) => pair.Schema->ChildCount = 4),
            ("0 children in place of 1", (_, c) => { c[3]->ChildCount = 0; }),
            ("child 2 is missing", (pair, c) => c[2] = null),
            ("2 buffers in place of 1", (pair, _) => pair.Array->BufferCount = 2),
            ("0 to 9 of 3", (pair, _) => pair.Array->Length = 9),
            ("without its child 1", (pair, _) => pair.Schema->Children[1] = null),
            ("-1 children", (pair, _) => pair.Schema->ChildCount = -1),
            ("no struct", (pair, _) => SetFormat(pair.Schema, "i")),
            ("a list with 0 children", (pair, _) => pair.Schema->Children[3]->ChildCount = 0),
            ("not nullable", (pair, _) => pair.Schema->Children[0]->Flags = 0),
        ];
        foreach ((string reason, Damage damage) in cases)
            Assert.Contains(reason, Assert.Throws<CorruptDataException>(() => Import(damage)).Message);
    }

    [Fact]
    public void WhatIsNotSupportedIsNamed()
    {
        (string Reason, Damage Damage)[] cases =
        [
            ("'+l'", (pair, _) => SetFormat(pair.Schema->Children[0], "+l")),
            ("''", (pair, _) => SetFormat(pair.Schema->Children[0], "")),
            ("'tsx:'", (pair, _) => SetFormat(pair.Schema->Children[0], "tsx:")),
            ("'+w:0'", (pair, _) => SetFormat(pair.Schema->Children[3], "+w:0")),
            ("'+w:-2'", (pair, _) => SetFormat(pair.Schema->Children[3], "+w:-2")),
            ("'+w:2' of 'i'", (pair, _) => SetFormat(pair.Schema->Children[3]->Children[0], "i")),
            ("missing rows", (pair, c) => { pair.Array->NullCount = 1; pair.Array->Buffers[0] = c[0]->Buffers[0]; }),
            ("missing elements", (_, c) => { c[3]->Children[0]->NullCount = -1; c[3]->Children[0]->Buffers[0] = c[0]->Buffers[0]; }),
            ("at offset", (_, c) => { c[0]->Offset = long.MaxValue; }),
            ("at offset", (_, c) => { c[3]->Children[0]->Length = long.MaxValue; c[3]->Children[0]->Offset = long.MaxValue; }),
            ("2 GiB", (_, c) => ((long*)c[2]->Buffers[1])[3] = 1L << 40),
        ];
        foreach ((string reason, Damage damage) in cases)
            Assert.Contains(reason, Assert.Throws<NotSupportedException>(() => Import(damage)).Message);
    }

    [Fact]
    public void ReleasedStructuresAndNullPointersAreRefused()
    {
        using var pair = new CPair(new RecordBatch(("n", ArrowArray.From<int>([1]))));
        Assert.ThrowsAny<ArgumentException>(() => ArrowCData.ImportBatch(0, (nint)pair.Schema));
        Assert.ThrowsAny<ArgumentException>(() => ArrowCData.ImportBatch((nint)pair.Array, 0));
        Assert.ThrowsAny<ArgumentException>(() => ArrowCData.ImportSchema(0));
        pair.ImportBatch().Dispose();
        Assert.True(pair.IsReleased);
        Assert.Throws<ArgumentException>(() => pair.ImportBatch());
        Assert.Throws<ArgumentException>(() => ArrowCData.ImportSchema((nint)pair.Schema));
        using var other = new CPair(ArrowArray.From<int>([1]));
        Assert.Throws<ArgumentException>(() => ArrowCData.ImportBatch((nint)pair.Array, (nint)other.Schema));
        Assert.Throws<CorruptDataException>(() => ArrowCData.ImportSchema((nint)other.Schema));
        Assert.True(other.Schema->Release is null);
        other.Array->Release(other.Array);
    }

    [Fact]
    public void PositionsOutsideOfADictionaryAreRefused()
    {
        using var pair = new CPair(ArrowArray.From<byte>([0, 1, 2]));
        using var dictionary = new CPair(ArrowArray.From(["a", "b"]));
        pair.Schema->Dictionary = dictionary.Schema;
        pair.Array->Dictionary = dictionary.Array;
        Assert.Contains("row 2", Assert.Throws<CorruptDataException>(() => pair.ImportArray()).Message);
        Assert.True(pair.IsReleased);

        using var missing = new CPair(ArrowArray.From<byte>([0]));
        missing.Schema->Dictionary = dictionary.Schema;
        Assert.Contains("dictionary", Assert.Throws<CorruptDataException>(() => missing.ImportArray()).Message);
        dictionary.Array->Release(dictionary.Array);
        dictionary.Schema->Release(dictionary.Schema);
    }

    private static void Import(Damage damage)
    {
        using var pair = new CCopy(new RecordBatch(
            ("n", ArrowArray.From<int>([1, null, 3])),
            ("t", ArrowArray.From(["é", "a", "b"])),
            ("l", ArrowArray.From(["a", "b", "c"], large: true)),
            ("v", ArrowArray.Vectors<float>(new float[6], 2)),
            ("b", ArrowArray.From([true, false, true]))));
        damage(pair, pair.Array->Children);
        try
        {
            ArrowCData.ImportBatch((nint)pair.Array, (nint)pair.Schema).Dispose();
        }
        finally
        {
            Assert.True(pair.Array->Release is null && pair.Schema->Release is null);
            Assert.Equal(2, CCopy.Released);
        }
    }

    private static void SetFormat(CSchema* schema, string format) => schema->Format = (byte*)Marshal.StringToCoTaskMemUTF8(format);

    /// <summary>Copies of exported structures, which can be damaged: to release them does nothing but count.</summary>
    private sealed class CCopy : IDisposable
    {
        [ThreadStatic]
        private static int t_released;

        private readonly CPair _original;

        public CCopy(RecordBatch batch)
        {
            _original = new CPair(batch);
            t_released = 0;
            Array = Copy(_original.Array);
            Schema = Copy(_original.Schema);
        }

        public static int Released => t_released;

        public CArray* Array { get; }

        public CSchema* Schema { get; }

        public void Dispose()
        {
            _original.Array->Release(_original.Array);
            _original.Schema->Release(_original.Schema);
            _original.Dispose();
        }

        // SAFETY: the sources are valid; copies are as long, and are never freed.
        private static CArray* Copy(CArray* source)
        {
            var copy = (CArray*)NativeMemory.Alloc((nuint)sizeof(CArray));
            *copy = *source;
            copy->Release = &ReleaseArray;
            copy->Buffers = (void**)NativeMemory.Alloc((nuint)source->BufferCount, (nuint)sizeof(void*));
            for (long i = 0; i < source->BufferCount; i++)
                copy->Buffers[i] = source->Buffers[i];
            copy->Children = (CArray**)NativeMemory.Alloc((nuint)source->ChildCount, (nuint)sizeof(void*));
            for (long i = 0; i < source->ChildCount; i++)
                copy->Children[i] = Copy(source->Children[i]);
            return copy;
        }

        private static CSchema* Copy(CSchema* source)
        {
            var copy = (CSchema*)NativeMemory.Alloc((nuint)sizeof(CSchema));
            *copy = *source;
            copy->Release = &ReleaseSchema;
            copy->Children = (CSchema**)NativeMemory.Alloc((nuint)source->ChildCount, (nuint)sizeof(void*));
            for (long i = 0; i < source->ChildCount; i++)
                copy->Children[i] = Copy(source->Children[i]);
            return copy;
        }

        [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
        private static void ReleaseArray(CArray* array)
        {
            array->Release = null;
            t_released++;
        }

        [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
        private static void ReleaseSchema(CSchema* schema)
        {
            schema->Release = null;
            t_released++;
        }
    }
}
