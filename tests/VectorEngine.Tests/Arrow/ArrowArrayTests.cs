using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Arrow;

namespace VectorEngine.Tests.Arrow;

public class ArrowArrayTests
{
    [Fact]
    public void TablesAreMadeFromPlainValues()
    {
        string?[] names = ["Ada", null, "Zoë"];
        var people = new RecordBatch(
            ("name", ArrowArray.From(names)),
            ("born", ArrowArray.From<int>([1815, null, 1990])),
            ("active", ArrowArray.From([true, false, true])),
            ("embedding", ArrowArray.Vectors(new VectorMatrix(new float[] { 1, 2, 3, 4, 5, 6 }, 2))));

        Assert.Equal(3, people.RowCount);
        Assert.Equal("Zoë", people.Column<Utf8Array>("name").GetString(2));
        Assert.Null(people.Column<Utf8Array>("name").GetString(1));
        Assert.Equal("Zoë"u8, people.Column<Utf8Array>("name").GetBytes(2));
        Assert.Equal(1815, people.Column<PrimitiveArray<int>>("born")[0]);
        Assert.Null(people.Column<PrimitiveArray<int>>("born")[1]);
        Assert.False(people.Column<BoolArray>("active")[1]);
        Assert.Equal([3, 4], people.Column<FixedSizeListArray<float>>("embedding")[1].ToArray());
        Assert.Equal([1, 1, 0, 0], people.Columns.Select(column => column.NullCount));
        Assert.Equal("fixed_size_list<float32>[2]", people.Schema["embedding"].Type.ToString());
    }

    [Fact]
    public void MistakesAreNamed()
    {
        var batch = new RecordBatch(("a", ArrowArray.From<long>([1, 2])));
        Assert.Contains("'a'", Assert.Throws<KeyNotFoundException>(() => batch.Column("b")).Message);
        Assert.Contains("int64", Assert.Throws<InvalidCastException>(() => batch.Column<Utf8Array>("a")).Message);
        Assert.Throws<ArgumentException>(() => new RecordBatch(("a", ArrowArray.From<long>([1, 2])), ("b", ArrowArray.From<long>([1]))));
        var required = new ArrowSchema(new ArrowField("a", ArrowType.Int64, Nullable: false));
        Assert.Throws<ArgumentException>(() => new RecordBatch(required, [ArrowArray.From<long>([1, null])]));
        Assert.Throws<ArgumentException>(() => new RecordBatch(required, [ArrowArray.From<int>([1])]));
        Assert.Throws<ArgumentException>(() => new RecordBatch(required, []));
        Assert.Throws<NotSupportedException>(() => ArrowArray.From<decimal>([1m]));
        Assert.ThrowsAny<ArgumentException>(() => ArrowArray.From(["\uD800"]));
        Assert.Throws<ArgumentException>(() => ArrowArray.Vectors<long>(new long[4], 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => batch.Take([0, 2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => batch.Take([-1]));
        Assert.Throws<ArgumentException>(() => RecordBatch.Concat([]));
        Assert.Throws<ArgumentException>(() => RecordBatch.Concat([batch, new RecordBatch(("b", ArrowArray.From<long>([1])))]));
        Assert.Throws<ArgumentOutOfRangeException>(() => ArrowArray.Nulls(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => ArrowType.Timestamp((ArrowTimeUnit)4));
        Assert.Throws<ArgumentException>(() => ArrowArray.Vectors<float>(new float[5], 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => ArrowArray.Vectors<float>(new float[5], 0));
        Assert.Throws<ArgumentException>(() => ArrowArray.Vectors([[1f, 2f], [1f]], 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => batch.Column("a").IsNull(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => batch.Slice(1, 2));
    }

    [Fact]
    public void TypesAreEqualByWhatTheyDescribe()
    {
        Assert.Equal(ArrowType.FixedSizeList(ArrowType.Float16, 3), ArrowType.FixedSizeList(ArrowType.Float16, 3));
        Assert.NotEqual(ArrowType.FixedSizeList(ArrowType.Float16, 3), ArrowType.FixedSizeList(ArrowType.Float32, 3));
        Assert.NotEqual(ArrowType.FixedSizeList(ArrowType.Float16, 3), ArrowType.FixedSizeList(ArrowType.Float16, 4));
        Assert.Throws<ArgumentException>(() => ArrowType.FixedSizeList(ArrowType.Int16, 3));
    }

    [Fact]
    public void TakenAndJoinedRowsAreThoseOfTheTables() => Prop.ForAll(ArrowCase.Arbitrary, test =>
    {
        (_, RecordBatch[] batches) = test.Make();
        if (batches.Length == 0)
            return;
        // Slices, too: their offsets and bitmaps do not begin at 0.
        RecordBatch[] parts = [.. batches, .. batches.Select(batch => batch.Slice(batch.RowCount / 3, batch.RowCount / 2))];
        object?[][] rows = [.. parts.SelectMany(ArrowText.Rows)];
        RecordBatch all = RecordBatch.Concat(parts);
        Assert.Equal(rows, ArrowText.Rows(all));
        Assert.Equal(parts.Sum(part => part.Columns.Sum(column => column.NullCount)), all.Columns.Sum(column => column.NullCount));

        var random = new Random(test.Seed);
        int[] wanted = rows.Length == 0 ? [] : [.. Enumerable.Range(0, 50).Select(_ => random.Next(rows.Length))];
        Assert.Equal(wanted.Select(row => rows[row]), ArrowText.Rows(all.Take(wanted)));
        RecordBatch slice = all.Slice(rows.Length / 2, rows.Length - rows.Length / 2);
        wanted = [.. Enumerable.Range(0, slice.RowCount).Reverse()];
        Assert.Equal(wanted.Select(row => rows[rows.Length / 2 + row]), ArrowText.Rows(slice.Take(wanted)));
    }).Check(Config.QuickThrowOnFailure);

    [Fact]
    public void TheOnlyColumnOfVectorsIsFound()
    {
        var id = new ArrowField("id", ArrowType.Int64);
        var bytes = new ArrowField("bytes", ArrowType.FixedSizeList(ArrowType.UInt8, 4));
        var a = new ArrowField("a", ArrowType.FixedSizeList(ArrowType.Float32, 4));
        var b = new ArrowField("b", ArrowType.FixedSizeList(ArrowType.Float16, 4));
        Assert.Equal(b, new ArrowSchema(id, bytes, b).FindVectors());
        Assert.Equal(b, new ArrowSchema(a, b).FindVectors("b"));
        Assert.Contains("'a', 'b'", Assert.Throws<ArgumentException>(() => new ArrowSchema(a, b).FindVectors()).Message);
        Assert.Contains("int64", Assert.Throws<ArgumentException>(() => new ArrowSchema(id, a).FindVectors("id")).Message);
        Assert.Throws<KeyNotFoundException>(() => new ArrowSchema(id, a).FindVectors("c"));
        Assert.Throws<KeyNotFoundException>(() => new ArrowSchema(id, bytes).FindVectors());
    }

    [Fact]
    public void OfRepeatedNamesTheFirstIsFound()
    {
        var schema = new ArrowSchema(new ArrowField("a", ArrowType.Bool), new ArrowField("a", ArrowType.Utf8));
        Assert.Equal(ArrowType.Bool, schema["a"].Type);
        Assert.Equal(-1, schema.IndexOf("A"));
    }

    [Fact]
    public void WrappedValuesAreNotCopied()
    {
        float[] values = [1, 2, 3, 4];
        Assert.True(ArrowArray.Wrap<float>(values).Values == values.AsSpan());
        var slice = Assert.IsType<FixedSizeListArray<float>>(ArrowArray.Vectors<float>(values, 2).Slice(1, 1));
        Assert.True(slice.Values == values.AsSpan(2, 2));
        Assert.False(ArrowArray.From<float>(values).Values == values.AsSpan());
    }

    [Fact]
    public unsafe void BytesOfPinnedValuesStayWhereTheyAre()
    {
        int[] values = [1, 2, 3];
        using System.Buffers.MemoryHandle handle = ByteMemory<int>.Of(values.AsMemory())[4..].Pin();
        // SAFETY: the handle points to the bytes of values[1] and pins the array until it is disposed.
        Assert.Equal(2, *(int*)handle.Pointer);
    }
}
