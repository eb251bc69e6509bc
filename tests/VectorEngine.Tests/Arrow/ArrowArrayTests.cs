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
        Assert.Throws<ArgumentException>(() => ArrowArray.Vectors<double>(new double[4], 2));
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
        Assert.Throws<ArgumentException>(() => ArrowType.FixedSizeList(ArrowType.Int8, 3));
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
