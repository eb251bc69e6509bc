using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Arrow;
using VectorEngine.Tests.Arrow;
using Theirs = Apache.Arrow;

namespace VectorEngine.ApacheArrow.Tests;

/// <summary>Schemas, batches and tables go both ways through the C Data Interface.</summary>
public class ConversionTests
{
    [Fact]
    public void BatchesGoThereAndBack() => Prop.ForAll(ArrowCase.Arbitrary, test =>
    {
        foreach (RecordBatch batch in Named(test.Make().Batches))
        {
            foreach (RecordBatch part in new[] { batch, batch.Slice(batch.RowCount / 3, batch.RowCount / 2) })
            {
                using Theirs.RecordBatch there = part.ToApacheArrow();
                Assert.Equal(part.Schema.Fields.Select(TheirText.Describe), there.Schema.FieldsList.Select(TheirText.Describe));
                Assert.Equal(ArrowText.Rows(part), TheirText.Rows(there));
                using Imported<RecordBatch> back = there.ToVectorEngine();
                ArrowText.AssertEqual(part, back.Value);
            }
        }
    }).Check(Config.QuickThrowOnFailure);

    [Fact]
    public void TheirSlicesComeWithTheirOffsets() => Prop.ForAll(ArrowCase.Arbitrary, test =>
    {
        foreach (RecordBatch batch in Named(test.Make().Batches))
        {
            using Theirs.RecordBatch there = batch.ToApacheArrow();
            for (int start = 0; start < Math.Min(20, there.Length); start += 3)
            {
                using Theirs.RecordBatch slice = there.SliceShared(start, (there.Length - start) / 2);
                using Imported<RecordBatch> back = slice.ToVectorEngine();
                Assert.Equal(ArrowText.Rows(batch.Slice(start, slice.Length)), ArrowText.Rows(back.Value));
            }
        }
    }).Check(Config.QuickThrowOnFailure);

    [Fact]
    public void ValuesAreNotCopied()
    {
        float[] values = [1, 2, 3, 4];
        using Theirs.RecordBatch there = new RecordBatch(("v", ArrowArray.Vectors<float>(values, 2))).ToApacheArrow();
        var vectors = (Theirs.FloatArray)((Theirs.FixedSizeListArray)there.Column(0)).Values;
        Assert.True(vectors.Values == values.AsSpan());
        using Imported<RecordBatch> back = there.ToVectorEngine();
        Assert.True(back.Value.Column<FixedSizeListArray<float>>("v").Values == values.AsSpan());
    }

    [Fact]
    public void TheirBatchMayBeDisposedFirst()
    {
        Theirs.RecordBatch there = new Theirs.RecordBatch.Builder()
            .Append("name", true, columns => columns.String(builder => builder.Append("Zoë").AppendNull().Append("日本")))
            .Append("number", false, columns => columns.Int64(builder => builder.AppendRange([1, 2, 3])))
            .Build();
        using Imported<RecordBatch> here = there.ToVectorEngine();
        there.Dispose();
        Assert.Equal([["Zoë", "1"], [null, "2"], ["日本", "3"]], ArrowText.Rows(here.Value));
        Assert.Equal([new("name", ArrowType.Utf8), new ArrowField("number", ArrowType.Int64, Nullable: false)], here.Value.Schema.Fields);
    }

    [Fact]
    public void EncodedTextIsDecoded()
    {
        Theirs.StringArray words = new Theirs.StringArray.Builder().Append("red").Append("grün").Build();
        Theirs.Int8Array positions = new Theirs.Int8Array.Builder().Append(1).AppendNull().Append(0).Append(1).Build();
        var encoded = new Theirs.DictionaryArray(
            new Theirs.Types.DictionaryType(Theirs.Types.Int8Type.Default, Theirs.Types.StringType.Default, false), positions, words);
        Theirs.Schema schema = new Theirs.Schema.Builder().Field(field => field.Name("color").DataType(encoded.Data.DataType)).Build();
        using var there = new Theirs.RecordBatch(schema, [encoded], 4);
        using Imported<RecordBatch> here = there.ToVectorEngine();
        Assert.Equal([["grün"], [null], ["red"], ["grün"]], ArrowText.Rows(here.Value));
    }

    [Fact]
    public void OtherTypesAreNamed()
    {
        Theirs.Schema schema = new Theirs.Schema.Builder()
            .Field(field => field.Name("when").DataType(Theirs.Types.Date32Type.Default)).Build();
        Assert.Contains("'when'", Assert.Throws<NotSupportedException>(() => schema.ToVectorEngine()).Message);
    }

    [Fact]
    public void TablesOfTwoThousandBatchesGoThereAndBack()
    {
        var schema = new ArrowSchema(ArrowCase.Types.Select(type => new ArrowField($"{type} 🚀", type)));
        var random = new Random(5);
        RecordBatch[] batches = [.. Enumerable.Range(0, 2000).Select(i =>
            new RecordBatch(schema, [.. schema.Fields.Select(field => ArrowCase.RandomColumn(random, field, i % 4))]))];
        object?[][] rows = [.. batches.SelectMany(ArrowText.Rows)];

        Theirs.Table there = batches.ToApacheArrow(schema);
        Assert.Equal(rows.Length, there.RowCount);
        var read = new List<object?[]>();
        foreach (Imported<RecordBatch> batch in there.ToVectorEngine())
        {
            using (batch)
                read.AddRange(ArrowText.Rows(batch.Value));
        }
        Assert.Equal(rows, read);
    }

    [Fact]
    public void ColumnsMayBeCutDifferently()
    {
        static Theirs.Int32Array Numbers(params int[] values) => new Theirs.Int32Array.Builder().AppendRange(values).Build();
        var x = new Theirs.Field("x", Theirs.Types.Int32Type.Default, true);
        var y = new Theirs.Field("y", Theirs.Types.Int32Type.Default, true);
        var table = new Theirs.Table(new Theirs.Schema([x, y], null),
        [
            new Theirs.Column(x, new Theirs.IArrowArray[] { Numbers(1, 2, 3), Numbers(), Numbers(4), Numbers(5, 6) }),
            new Theirs.Column(y, new Theirs.IArrowArray[] { Numbers(), Numbers(10, 20), Numbers(30, 40, 50, 60) }),
        ]);
        var rows = new List<object?[]>();
        var lengths = new List<int>();
        foreach (Imported<RecordBatch> batch in table.ToVectorEngine())
        {
            using (batch)
            {
                rows.AddRange(ArrowText.Rows(batch.Value));
                lengths.Add(batch.Value.RowCount);
            }
        }
        Assert.Equal([2, 1, 1, 2], lengths);
        Assert.Equal(Enumerable.Range(1, 6).Select(i => new object?[] { $"{i}", $"{i}0" }), rows);
    }

    /// <summary>Tables whose names the interface can hold.</summary>
    private static IEnumerable<RecordBatch> Named(RecordBatch[] batches) => batches.Where(batch => batch.Columns.Count != 0).Select(
        batch => new RecordBatch(
            new ArrowSchema(batch.Schema.Fields.Select(field => field with { Name = field.Name.Replace("\0", "") })), batch.Columns));
}
