using System.Runtime.InteropServices;
using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Arrow;

namespace VectorEngine.Tests.Arrow;

/// <summary>Record batches of one schema, made from a seed, which is what FsCheck prints when a property fails.</summary>
internal sealed record ArrowCase(int Seed)
{
    private static readonly string[] Texts =
    [
        "", "a", "plain ASCII, somewhat longer than eight bytes", "Zürich", "日本語テキスト", "👩‍🚀🚀",
        "line\nbreak\0null",
        "\u0301combining", "ﷺ",
    ];

    public static Arbitrary<ArrowCase> Arbitrary => Gen.Choose(0, int.MaxValue).Select(seed => new ArrowCase(seed)).ToArbitrary();

    /// <summary>A random schema of up to six columns, and up to four batches of 0 to 300 rows.</summary>
    public (ArrowSchema Schema, RecordBatch[] Batches) Make()
    {
        var random = new Random(Seed);
        var schema = new ArrowSchema(Enumerable.Range(0, random.Next(7)).Select(i =>
            RandomField(random, $"{Texts[random.Next(Texts.Length)]}{i}")));
        var batches = new RecordBatch[random.Next(5)];
        for (int b = 0; b < batches.Length; b++)
        {
            int rows = random.Next(4) switch { 0 => 0, 1 => random.Next(1, 10), _ => random.Next(301) };
            ArrowArray[] columns = [.. schema.Fields.Select(field => RandomColumn(random, field, rows))];
            batches[b] = columns.Length == 0 ? new RecordBatch(schema, columns, rows) : new RecordBatch(schema, columns);
        }
        return (schema, batches);
    }

    /// <summary>Every type that is read and written, vectors and timestamps in a few shapes.</summary>
    public static IReadOnlyList<ArrowType> Types { get; } =
    [
        ArrowType.Bool, ArrowType.Int8, ArrowType.Int16, ArrowType.Int32, ArrowType.Int64,
        ArrowType.UInt8, ArrowType.UInt16, ArrowType.UInt32, ArrowType.UInt64,
        ArrowType.Float16, ArrowType.Float32, ArrowType.Float64,
        ArrowType.Utf8, ArrowType.LargeUtf8, ArrowType.Binary, ArrowType.LargeBinary,
        ArrowType.Timestamp(ArrowTimeUnit.Second), ArrowType.Timestamp(ArrowTimeUnit.Millisecond, "UTC"),
        ArrowType.Timestamp(ArrowTimeUnit.Microsecond, "Europe/Zurich"), ArrowType.Timestamp(ArrowTimeUnit.Nanosecond),
        ArrowType.FixedSizeList(ArrowType.Float16, 3), ArrowType.FixedSizeList(ArrowType.Float32, 5),
        ArrowType.FixedSizeList(ArrowType.Float64, 1), ArrowType.FixedSizeList(ArrowType.Int8, 17),
        ArrowType.FixedSizeList(ArrowType.UInt8, 8), ArrowType.Null,
    ];

    private static ArrowField RandomField(Random random, string name)
    {
        ArrowType type = RandomType(random);
        return new ArrowField(name, type, type == ArrowType.Null || random.Next(3) != 0);
    }

    private static ArrowType RandomType(Random random) => Types[random.Next(Types.Count)] switch
    {
        { ElementType: { } element } => ArrowType.FixedSizeList(element, random.Next(1, 40)),
        var type => type,
    };

    public static ArrowArray RandomColumn(Random random, ArrowField field, int rows)
    {
        bool[] present = [.. Enumerable.Range(0, rows).Select(_ => !field.Nullable || random.Next(4) != 0)];
        return field.Type.Kind switch
        {
            ArrowTypeKind.Bool => ArrowArray.From([.. present.Select(there => there ? random.Next(2) == 0 : (bool?)null)]),
            ArrowTypeKind.Int8 => Primitive<sbyte>(random, present),
            ArrowTypeKind.Int16 => Primitive<short>(random, present),
            ArrowTypeKind.Int32 => Primitive<int>(random, present),
            ArrowTypeKind.Int64 => Primitive<long>(random, present),
            ArrowTypeKind.UInt8 => Primitive<byte>(random, present),
            ArrowTypeKind.UInt16 => Primitive<ushort>(random, present),
            ArrowTypeKind.UInt32 => Primitive<uint>(random, present),
            ArrowTypeKind.UInt64 => Primitive<ulong>(random, present),
            ArrowTypeKind.Float16 => Primitive<Half>(random, present),
            ArrowTypeKind.Float32 => Primitive<float>(random, present),
            ArrowTypeKind.Float64 => Primitive<double>(random, present),
            ArrowTypeKind.Utf8 or ArrowTypeKind.LargeUtf8 =>
                ArrowArray.From([.. present.Select(there => there ? Text(random) : null)], field.Type == ArrowType.LargeUtf8),
            ArrowTypeKind.Binary or ArrowTypeKind.LargeBinary => ArrowArray.From(
                [.. present.Select(there => there ? RandomBits<byte>(random, random.Next(20)) : null)],
                field.Type == ArrowType.LargeBinary),
            ArrowTypeKind.Timestamp => ArrowArray.Timestamps(
                [.. present.Select(there => there ? random.NextInt64(long.MinValue, long.MaxValue) : (long?)null)],
                field.Type.Unit!.Value, field.Type.TimeZone),
            ArrowTypeKind.Null => ArrowArray.Nulls(rows),
            _ => RandomVectors(random, present, field.Type),
        };
    }

    private static ArrowArray RandomVectors(Random random, bool[] present, ArrowType type) => type.ElementType!.Kind switch
    {
        ArrowTypeKind.Float16 => Vectors<Half>(random, present, type.ListSize),
        ArrowTypeKind.Float32 => Vectors<float>(random, present, type.ListSize),
        ArrowTypeKind.Float64 => Vectors<double>(random, present, type.ListSize),
        ArrowTypeKind.Int8 => Vectors<sbyte>(random, present, type.ListSize),
        _ => Vectors<byte>(random, present, type.ListSize),
    };

    private static string Text(Random random) =>
        string.Concat(Enumerable.Range(0, random.Next(4)).Select(_ => Texts[random.Next(Texts.Length)]));

    private static T[] RandomBits<T>(Random random, int count) where T : unmanaged
    {
        var values = new T[count];
        random.NextBytes(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    private static PrimitiveArray<T> Primitive<T>(Random random, bool[] present) where T : unmanaged =>
        ArrowArray.From<T>([.. present.Zip(RandomBits<T>(random, present.Length), (there, value) => there ? value : (T?)null)]);

    private static FixedSizeListArray<T> Vectors<T>(Random random, bool[] present, int listSize) where T : unmanaged =>
        ArrowArray.Vectors([.. present.Select(there => there ? RandomBits<T>(random, listSize) : null)], listSize);
}

/// <summary>A file in memory, which counts how it is read and refuses reads beyond its end.</summary>
internal sealed class MemoryFile(byte[] bytes) : IRangeSource
{
    private int _reads;
    private long _bytesRead;

    public byte[] Bytes => bytes;

    /// <summary>Whether reads complete later, on another thread.</summary>
    public bool Yields { get; set; }

    public long Length => bytes.Length;

    public int Reads => _reads;

    public long BytesRead => _bytesRead;

    public async ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Yields)
            await Task.Yield();
        Interlocked.Increment(ref _reads);
        Interlocked.Add(ref _bytesRead, destination.Length);
        bytes.AsMemory(checked((int)offset), destination.Length).CopyTo(destination);
    }

    /// <summary>Writes batches; by default each as it is.</summary>
    public static async Task<(MemoryFile File, ArrowFileSummary Summary)> WriteAsync(
        ArrowSchema schema, IEnumerable<RecordBatch> batches, int rowsPerBatch = int.MaxValue)
    {
        var stream = new MemoryStream();
        var writer = new ArrowFileWriter(schema, stream.WriteAsync);
        foreach (RecordBatch batch in batches)
            await writer.WriteAsync(batch, rowsPerBatch);
        ArrowFileSummary summary = await writer.FinishAsync();
        Assert.Equal(stream.Length, summary.Length);
        return (new MemoryFile(stream.ToArray()), summary);
    }
}

/// <summary>Values as text in which two are equal only when their bits are, but for the payload of NaN.</summary>
internal static class ArrowText
{
    public static object? ValueAt(ArrowArray array, int index) => array switch
    {
        BoolArray bools => bools[index]?.ToString().ToLowerInvariant(),
        Utf8Array texts => texts.GetString(index),
        PrimitiveArray<sbyte> numbers => numbers[index]?.ToString(),
        PrimitiveArray<short> numbers => numbers[index]?.ToString(),
        PrimitiveArray<int> numbers => numbers[index]?.ToString(),
        PrimitiveArray<long> numbers => numbers[index]?.ToString(),
        PrimitiveArray<byte> numbers => numbers[index]?.ToString(),
        PrimitiveArray<ushort> numbers => numbers[index]?.ToString(),
        PrimitiveArray<uint> numbers => numbers[index]?.ToString(),
        PrimitiveArray<ulong> numbers => numbers[index]?.ToString(),
        PrimitiveArray<Half> numbers => Float((double?)numbers[index]),
        PrimitiveArray<float> numbers => Float(numbers[index]),
        PrimitiveArray<double> numbers => Float(numbers[index]),
        BinaryArray strings => strings.IsNull(index) ? null : Convert.ToHexStringLower(strings.GetBytes(index)),
        NullArray nulls => nulls.IsNull(index) ? null : "a value",
        FixedSizeListArray<Half> vectors => Elements(vectors, index, x => Float((double)x)),
        FixedSizeListArray<float> vectors => Elements(vectors, index, x => Float(x)),
        FixedSizeListArray<double> vectors => Elements(vectors, index, x => Float(x)),
        FixedSizeListArray<sbyte> vectors => Elements(vectors, index, x => x.ToString()),
        FixedSizeListArray<byte> vectors => Elements(vectors, index, x => x.ToString()),
        _ => throw new InvalidOperationException($"Unexpected {array.GetType()}."),
    };

    public static object?[] Row(RecordBatch batch, int row) => [.. batch.Columns.Select(column => ValueAt(column, row))];

    public static object?[][] Rows(RecordBatch batch) => [.. Enumerable.Range(0, batch.RowCount).Select(row => Row(batch, row))];

    public static void AssertEqual(RecordBatch expected, RecordBatch actual)
    {
        Assert.Equal(expected.Schema.Fields, actual.Schema.Fields);
        Assert.Equal(expected.RowCount, actual.RowCount);
        Assert.Equal(expected.Columns.Select(column => column.NullCount), actual.Columns.Select(column => column.NullCount));
        Assert.Equal(Rows(expected), Rows(actual));
    }

    private static string?[]? Elements<T>(FixedSizeListArray<T> vectors, int index, Func<T, string?> text) where T : unmanaged =>
        vectors.IsNull(index) ? null : [.. vectors[index].ToArray().Select(text)];

    private static string? Float(double? value) => value switch
    {
        null => null,
        double.NaN => "NaN",
        _ => BitConverter.DoubleToUInt64Bits(value.Value).ToString("x16"),
    };
}
