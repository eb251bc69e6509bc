using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Arrow;

namespace VectorEngine.Tests.Arrow;

/// <summary>The C Data Interface, between this implementation and itself, and between it and a C library.</summary>
public sealed unsafe class ArrowCDataTests
{
    [Fact]
    public void WhatIsExportedIsImported() => Prop.ForAll(ArrowCase.Arbitrary, test =>
    {
        foreach (RecordBatch batch in BatchesOf(test))
        {
            foreach (RecordBatch part in new[] { batch, batch.Slice(batch.RowCount / 3, batch.RowCount / 2) })
            {
                using var pair = new CPair(part);
                using Imported<RecordBatch> imported = pair.ImportBatch();
                Assert.True(pair.IsReleased);
                ArrowText.AssertEqual(part, imported.Value);
            }
            foreach (ArrowArray column in batch.Columns)
            {
                using var pair = new CPair(column);
                using Imported<ArrowArray> imported = pair.ImportArray();
                Assert.Equal(column.Type, imported.Value.Type);
                for (int i = 0; i < column.Length; i++)
                    Assert.Equal(ArrowText.ValueAt(column, i), ArrowText.ValueAt(imported.Value, i));
            }
        }
    }).Check(Config.QuickThrowOnFailure);

    [Fact]
    public void ValuesAreNotCopied()
    {
        float[] values = [1, 2, 3, 4, 5, 6];
        string[] texts = ["a", "bc"];
        var batch = new RecordBatch(("v", ArrowArray.Vectors<float>(values, 3)), ("t", ArrowArray.From(texts)));
        using var pair = new CPair(batch);
        using Imported<RecordBatch> imported = pair.ImportBatch();
        Assert.True(imported.Value.Column<FixedSizeListArray<float>>("v").Values == values.AsSpan());
        Assert.True(imported.Value.Column<Utf8Array>("t").GetBytes(1) == batch.Column<Utf8Array>("t").GetBytes(1));
        // Exported once more, it is still the same memory.
        using var again = new CPair(imported.Value);
        using Imported<RecordBatch> back = again.ImportBatch();
        Assert.True(back.Value.Column<FixedSizeListArray<float>>("v").Values == values.AsSpan());
    }

    [Fact]
    public void DisposedArraysAreRefusedAndWhatIsExportedAgainLives()
    {
        using var pair = new CPair(new RecordBatch(("v", ArrowArray.From<int>([1, 2, 3]))));
        Imported<RecordBatch> imported = pair.ImportBatch();
        var column = imported.Value.Column<PrimitiveArray<int>>("v");
        using var again = new CPair(imported.Value);
        imported.Dispose();
        using (Imported<RecordBatch> back = again.ImportBatch())
            Assert.Equal([1, 2, 3], back.Value.Column<PrimitiveArray<int>>("v").Values.ToArray());
        Assert.Throws<ObjectDisposedException>(() => column[0]);
        Assert.Throws<ObjectDisposedException>(() => column.Memory.Pin());
        imported.Dispose();
    }

    [Fact]
    public void NamesThatEndEarlyAreRefused()
    {
        using var pair = new CPair();
        var batch = new RecordBatch(("a", ArrowArray.From<int>([1])), ("a\0b", ArrowArray.From<int>([1])));
        Assert.Throws<ArgumentException>(() => ArrowCData.Export(batch, (nint)pair.Array, (nint)pair.Schema));
        Assert.True(pair.IsReleased);
    }

    [Fact]
    public void ExportedArraysAreKeptUntilTheyAreReleased()
    {
        using var pair = new CPair();
        WeakReference values = Export(pair);
        GC.Collect();
        Assert.True(values.IsAlive);
        // SAFETY: the array is of one column of three floats, and has not been released.
        Assert.Equal(3, ((float*)pair.Array->Children[0]->Buffers[1])[2]);
        pair.Array->Release(pair.Array);
        pair.Schema->Release(pair.Schema);
        GC.Collect();
        Assert.False(values.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Export(CPair pair)
        {
            float[] values = [1, 2, 3];
            ArrowCData.Export(new RecordBatch(("v", ArrowArray.Wrap<float>(values))), (nint)pair.Array, (nint)pair.Schema);
            return new WeakReference(values);
        }
    }

    [CompilerFact]
    public void TheyReadWhatWeExport()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            foreach (RecordBatch batch in BatchesOf(new ArrowCase(seed)))
            {
                using var pair = new CPair(batch);
                Assert.Equal(string.Concat(batch.Schema.Fields.Zip(batch.Columns, Describe)), pair.Consume());
                for (int i = 0; i < batch.Columns.Count; i++)
                {
                    using var single = new CPair(batch);
                    Assert.Equal(Describe(batch.Schema.Fields[i], batch.Columns[i]), single.Consume(take: i));
                }
            }
        }
    }

    [CompilerFact]
    public void WeReadWhatTheyExport()
    {
        using var pair = new CPair();
        CLibrary.Produce((nint)pair.Schema, (nint)pair.Array);
        using (Imported<RecordBatch> imported = pair.ImportBatch())
        {
            RecordBatch table = imported.Value;
            Assert.Equal(
                ["number: int32", "text: utf8", "vector: fixed_size_list<float32>[2]", "large: large_utf8", "flag: bool", "color: utf8"],
                table.Schema.Fields.Select(field => $"{field.Name}: {field.Type}"));
            Assert.Equal([10, null, 30, 40], Enumerable.Range(0, 4).Select(i => table.Column<PrimitiveArray<int>>("number")[i]));
            Assert.Equal(["b", "", null, "zwölf"], Enumerable.Range(0, 4).Select(table.Column<Utf8Array>("text").GetString));
            Assert.Equal(["L", "LL", "LLL", ""], Enumerable.Range(0, 4).Select(table.Column<Utf8Array>("large").GetString));
            Assert.Equal(["red", null, "green", "red"], Enumerable.Range(0, 4).Select(table.Column<Utf8Array>("color").GetString));
            Assert.Equal([true, false, null, true], Enumerable.Range(0, 4).Select(i => table.Column<BoolArray>("flag")[i]));
            FixedSizeListArray<float> vectors = table.Column<FixedSizeListArray<float>>("vector");
            Assert.Equal([2, 3, 4, 5, 6, 7], vectors.Values[..6].ToArray());
            Assert.Equal((1, true), (vectors.NullCount, vectors.IsNull(3)));
        }
        Assert.Equal(0, CLibrary.LiveCount);
    }

    [CompilerFact]
    public void TheirMemoryIsReleasedWhenTheLastViewIsCollected()
    {
        var views = new ReadOnlyMemory<float>[1];
        Import(views);
        Collect();
        Use(views);
        Array.Clear(views);
        Collect();
        Assert.Equal(0, CLibrary.LiveCount);

        // In methods of their own, so that nothing is left on the stack.
        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Use(ReadOnlyMemory<float>[] views)
        {
            Assert.NotEqual(0, CLibrary.LiveCount);
            Assert.Equal(7, views[0].Span[5]);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Import(ReadOnlyMemory<float>[] views)
        {
            using var pair = new CPair();
            CLibrary.Produce((nint)pair.Schema, (nint)pair.Array);
            views[0] = pair.ImportBatch().Value.Column<FixedSizeListArray<float>>("vector").Memory;
        }

        static void Collect()
        {
            for (int i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }
    }

    /// <summary>Random tables whose names the interface can hold.</summary>
    private static IEnumerable<RecordBatch> BatchesOf(ArrowCase test) =>
        test.Make().Batches.Where(batch => batch.Columns.Count != 0).Select(batch => new RecordBatch(
            new ArrowSchema(batch.Schema.Fields.Select(field => field with { Name = field.Name.Replace("\0", "") })), batch.Columns));

    private static string Describe(ArrowField field, ArrowArray column)
    {
        var text = new StringBuilder($"{field.Name} {CFormat.Of(field.Type)} {(field.Nullable ? 1 : 0)} {column.NullCount}\n");
        for (int i = 0; i < column.Length; i++)
            text.Append(column.IsNull(i) ? "null" : ValueText(column, i)).Append('\n');
        return text.ToString();
    }

    /// <summary>Floats as their bits, text and byte strings as hexadecimal digits.</summary>
    private static string ValueText(ArrowArray column, int index) => column switch
    {
        BoolArray bools => bools[index] is true ? "1" : "0",
        VariableLengthArray values => Convert.ToHexStringLower(values.GetBytes(index)),
        PrimitiveArray<Half> numbers => Bits<Half, ushort>(numbers.Values[index]),
        PrimitiveArray<float> numbers => Bits<float, uint>(numbers.Values[index]),
        PrimitiveArray<double> numbers => Bits<double, ulong>(numbers.Values[index]),
        FixedSizeListArray<Half> vectors => string.Join(',', vectors[index].ToArray().Select(Bits<Half, ushort>)),
        FixedSizeListArray<float> vectors => string.Join(',', vectors[index].ToArray().Select(Bits<float, uint>)),
        FixedSizeListArray<double> vectors => string.Join(',', vectors[index].ToArray().Select(Bits<double, ulong>)),
        FixedSizeListArray<sbyte> vectors => string.Join(',', vectors[index].ToArray()),
        FixedSizeListArray<byte> vectors => string.Join(',', vectors[index].ToArray()),
        _ => (string)ArrowText.ValueAt(column, index)!,
    };

    private static string Bits<T, TBits>(T value) where T : unmanaged where TBits : unmanaged =>
        MemoryMarshal.Cast<T, TBits>([value])[0].ToString()!;
}
