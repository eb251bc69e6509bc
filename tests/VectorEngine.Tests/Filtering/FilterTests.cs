using VectorEngine.Arrow;
using VectorEngine.Building;
using VectorEngine.Filtering;
using VectorEngine.Format;
using VectorEngine.Quantization;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Filtering;

/// <summary>Filters select what they mean, row by row, whatever the types and whatever is missing.</summary>
public sealed class FilterTests
{
    [Fact]
    public void Filters_select_the_rows_for_which_they_are_true() => FilterCase.ForAll(drawn =>
    {
        RecordBatch table = drawn.Table;
        var binder = new FilterBinder(table.Schema, drawn.Count);
        for (int i = 0; i < 20; i++)
        {
            (Filter filter, Func<int, bool?> means) = drawn.Next();
            uint[] selected = Selected(binder.Bind(filter), table);
            for (int row = 0; row < 32 * selected.Length; row++)
            {
                bool expected = row < drawn.Count && means(row) == true;
                if (expected != ((selected[row / 32] >> (row % 32) & 1) != 0))
                    Assert.Fail($"Row {row} of {drawn.Count}: {!expected}, not {expected}.");
            }
        }
    });

    [Fact]
    public void Zones_never_exclude_a_list_that_holds_a_match_and_exclude_some()
    {
        int excluded = 0;
        FilterCase.ForAll(drawn =>
        {
            const int Lists = 6;
            RecordBatch table = drawn.Table;
            var random = new Random(drawn.Count);
            int[] labels = new int[drawn.Count], counts = new int[Lists];
            for (int row = 0; row < labels.Length; row++)
                counts[labels[row] = random.Next(Lists - 1)]++;
            // Lists are what clusters are that have rows.
            var plan = new ListPlan(new CodeLayout(16), counts);
            ZoneMaps zones = Zones(table, labels, plan, counts, random);
            labels = Array.ConvertAll(labels, cluster => plan.ListOf(cluster, 0));
            var binder = new FilterBinder(table.Schema, drawn.Count);
            for (int i = 0; i < 20; i++)
            {
                BoundFilter bound = binder.Bind(drawn.Next().Filter);
                uint[] selected = Selected(bound, table);
                bool[] holds = new bool[Lists];
                for (int row = 0; row < labels.Length; row++)
                    holds[labels[row]] |= (selected[row / 32] >> (row % 32) & 1) != 0;
                for (int list = 0; list < plan.Counts.Length; list++)
                {
                    bool may = bound.MayMatch(zones, list);
                    Assert.True(may || !holds[list]);
                    excluded += may ? 0 : 1;
                }
            }
        });
        Assert.True(excluded > 1000, $"Only {excluded} lists excluded: the test has lost its edge.");
    }

    [Fact]
    public async Task An_index_evaluates_filters_over_batches_and_sets()
    {
        const int Count = 140_000;
        VectorMatrix vectors = GeneratedVectors.Normal(Count, 1, 1);
        var metadata = new RecordBatch(("number", ArrowArray.From<long>(Enumerable.Range(0, Count).Select(i => (long)i % 1000).ToArray())));
        using VectorIndex index = await TestIndex.BuildAsync(vectors, null, null, metadata);
        RowSet even = RowSet.FromOrdinals(Count, Enumerable.Range(0, Count / 2).Select(i => 2L * i));
        RowSet small = await index.SelectAsync(Filter.Column("number").LessThan(10));
        RowSet both = await index.SelectAsync(Filter.Column("number").LessThan(10) & even);
        Assert.Equal((Count, Count / 100), (small.Length, small.Count));
        Assert.Equal(Count / 200, both.Count);
        Assert.Equal((small & even).Count, both.Count);
        Assert.Equal(Count, (small | !small).Count);
        Assert.Equal(0, (small & !small).Count);
        Assert.True(small.Contains(139_009) && !small.Contains(139_010) && both.Contains(139_008) && !both.Contains(139_009));
        Assert.Same(even, await index.SelectAsync(even));
    }

    [Fact]
    public async Task A_wrong_column_type_or_set_is_refused_before_anything_is_read()
    {
        VectorMatrix vectors = GeneratedVectors.Normal(50, 4, 1);
        var metadata = new RecordBatch(
            ("number", ArrowArray.From<int>(new int[50])), ("text", ArrowArray.From(new string?[50])),
            ("flag", ArrowArray.From(new bool[50])), ("vector", ArrowArray.Vectors(vectors)),
            ("time", ArrowArray.Timestamps(new long?[50], ArrowTimeUnit.Second)));
        using VectorIndex index = await TestIndex.BuildAsync(vectors, null, null, metadata);
        Filter[] wrong =
        [
            Filter.Column("Number").EqualTo(1), Filter.Column("number").EqualTo("1"), Filter.Column("number").EqualTo(true),
            Filter.Column("number").StartsWith("1"), Filter.Column("text").EqualTo(1), Filter.Column("text").LessThan("a"),
            Filter.Column("flag").EqualTo(1), Filter.Column("flag").LessThan(true), Filter.Column("vector").EqualTo(1),
            Filter.Column("time").EqualTo(0), Filter.Column("time").Between(DateTimeOffset.UnixEpoch, "now"),
            Filter.Column("number").EqualTo(DateTimeOffset.UnixEpoch), Filter.Column("number").EqualTo(default(FilterValue)),
            RowSet.FromOrdinals(51), !(RowSet.FromOrdinals(49) | Filter.Column("number").IsNull()),
        ];
        foreach (Filter filter in wrong)
        {
            await Assert.ThrowsAsync<ArgumentException>(async () => await index.SelectAsync(filter));
            Assert.Throws<ArgumentException>(() => index.Search(vectors[0], 3, new SearchOptions { Filter = filter }));
            await Assert.ThrowsAsync<ArgumentException>(
                async () => await index.SearchAsync(vectors[0], 3, new SearchOptions { Filter = filter }));
        }

        Assert.Equal(50, (await index.SelectAsync(Filter.Column("vector").IsNotNull())).Count);
    }

    [Fact]
    public void Sets_are_made_from_ordinals_booleans_and_bitmaps()
    {
        bool[] rows = [.. Enumerable.Range(0, 75).Select(i => i % 3 == 0)];
        byte[] bitmap = new byte[10];
        Array.Fill(bitmap, (byte)0xFF);
        for (int i = 0; i < 75; i++)
            bitmap[i / 8] &= (byte)~(rows[i] ? 0 : 1 << (i % 8));
        RowSet[] sets =
        [
            RowSet.FromBooleans(rows), RowSet.FromBitmap(75, bitmap),
            RowSet.FromOrdinals(75, Enumerable.Range(0, 75).Where(i => rows[i]).Select(i => (long)i)),
        ];
        foreach (RowSet set in sets)
        {
            Assert.Equal((75, 25), (set.Length, set.Count));
            Assert.Equal(rows, Enumerable.Range(0, 75).Select(i => set.Contains(i)));
            Assert.Throws<ArgumentOutOfRangeException>(() => set.Contains(75));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => RowSet.FromOrdinals(10, 10));
        Assert.Throws<ArgumentException>(() => RowSet.FromBitmap(81, bitmap));
        Assert.Throws<ArgumentException>(() => sets[0] & RowSet.FromOrdinals(74));
    }

    private static uint[] Selected(BoundFilter filter, RecordBatch table)
    {
        uint[] selected = new uint[(table.RowCount + 31) / 32];
        Array.Fill(selected, uint.MaxValue);
        filter.Select(table, 0, selected);
        return selected;
    }

    /// <summary>Zones gathered from rows in two parts, written and read.</summary>
    private static ZoneMaps Zones(RecordBatch table, int[] labels, ListPlan plan, int[] counts, Random random)
    {
        var lists = new ListTable(new CodeLayout(16), plan.Counts, new uint[plan.Counts.Length], new uint[plan.Counts.Length]);
        var builder = new ZoneMapBuilder(table.Schema, counts.Length);
        int half = random.Next(labels.Length);
        builder.Observe(labels.AsSpan(0, half), table.Slice(0, half));
        builder.Observe(labels.AsSpan(half), table.Slice(half, labels.Length - half));
        (byte[] content, ZoneTable written) = builder.Finish(plan, counts);
        Assert.Equal(written.Length, content.Length);
        var columns = new Dictionary<string, ZoneColumn>();
        for (int i = 0; i < written.Count; i++)
        {
            Extent extent = written.Extent(i);
            ReadOnlySpan<byte> bytes = content.AsSpan((int)extent.Offset, extent.Length);
            columns[table.Schema.Fields[i].Name] = ZoneColumn.Read(written.Kind(i), bytes, lists);
        }

        return new ZoneMaps(columns);
    }
}
