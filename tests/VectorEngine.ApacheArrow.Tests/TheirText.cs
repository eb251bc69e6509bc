using Apache.Arrow;
using Apache.Arrow.Types;

namespace VectorEngine.ApacheArrow.Tests;

/// <summary>Values of Apache.Arrow's arrays, as ArrowText writes those of VectorEngine's.</summary>
internal static class TheirText
{
    public static object? ValueAt(IArrowArray array, int index) => array.IsNull(index) ? null : array switch
    {
        BooleanArray bools => bools.GetValue(index)!.Value ? "true" : "false",
        Int8Array numbers => numbers.GetValue(index).ToString(),
        Int16Array numbers => numbers.GetValue(index).ToString(),
        Int32Array numbers => numbers.GetValue(index).ToString(),
        Int64Array numbers => numbers.GetValue(index).ToString(),
        UInt8Array numbers => numbers.GetValue(index).ToString(),
        UInt16Array numbers => numbers.GetValue(index).ToString(),
        UInt32Array numbers => numbers.GetValue(index).ToString(),
        UInt64Array numbers => numbers.GetValue(index).ToString(),
        HalfFloatArray numbers => Float((double)numbers.GetValue(index)!.Value),
        FloatArray numbers => Float(numbers.GetValue(index)!.Value),
        DoubleArray numbers => Float(numbers.GetValue(index)!.Value),
        TimestampArray times => times.Values[index].ToString(),
        StringArray texts => texts.GetString(index),
        LargeStringArray texts => texts.GetString(index),
        BinaryArray strings => Convert.ToHexStringLower(strings.GetBytes(index)),
        LargeBinaryArray strings => Convert.ToHexStringLower(strings.GetBytes(index)),
        DictionaryArray encoded => ValueAt(encoded.Dictionary, Position(encoded, index)),
        FixedSizeListArray vectors => Elements(vectors.GetSlicedValues(index)),
        _ => throw new InvalidOperationException($"Unexpected {array.GetType()}."),
    };

    public static object?[] Row(RecordBatch batch, int row) => [.. batch.Arrays.Select(column => ValueAt(column, row))];

    public static object?[][] Rows(RecordBatch batch) => [.. Enumerable.Range(0, batch.Length).Select(row => Row(batch, row))];

    /// <summary>A column's name, type and nullability, the type named as VectorEngine does.</summary>
    public static string Describe(Field field) => $"{field.Name}: {TypeName(field.DataType)}, {field.IsNullable}";

    public static string Describe(Arrow.ArrowField field) => $"{field.Name}: {field.Type}, {field.Nullable}";

    private static string TypeName(IArrowType type) => type switch
    {
        TimestampType { Timezone: null or "", Unit: var unit } => $"timestamp[{UnitName(unit)}]",
        TimestampType { Timezone: var zone, Unit: var unit } => $"timestamp[{UnitName(unit)}, {zone}]",
        FixedSizeListType list => $"fixed_size_list<{TypeName(list.ValueDataType)}>[{list.ListSize}]",
        HalfFloatType => "float16",
        FloatType => "float32",
        DoubleType => "float64",
        LargeStringType => "large_utf8",
        LargeBinaryType => "large_binary",
        DictionaryType encoded => TypeName(encoded.ValueType),
        _ => type.Name,
    };

    private static string UnitName(TimeUnit unit) => unit switch
    {
        TimeUnit.Second => "s",
        TimeUnit.Millisecond => "ms",
        TimeUnit.Microsecond => "us",
        _ => "ns",
    };

    private static int Position(DictionaryArray encoded, int index) => int.Parse((string)ValueAt(encoded.Indices, index)!);

    private static string[] Elements(IArrowArray elements) =>
        [.. Enumerable.Range(0, elements.Length).Select(i => (string)ValueAt(elements, i)!)];

    private static string Float(double value) =>
        double.IsNaN(value) ? "NaN" : BitConverter.DoubleToUInt64Bits(value).ToString("x16");
}
