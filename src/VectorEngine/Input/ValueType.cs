using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace VectorEngine.Input;

/// <summary>What the values of a file are.</summary>
internal enum ValueType
{
    Float32,
    Float16,
    UInt8,
}

/// <summary>Turns the bytes of values into floats.</summary>
internal static class ValueTypes
{
    /// <summary>Bytes of a value.</summary>
    public static int Size(this ValueType type) => type switch
    {
        ValueType.Float32 => 4,
        ValueType.Float16 => 2,
        _ => 1,
    };

    /// <summary>Converts little-endian values.</summary>
    public static void Convert(this ValueType type, ReadOnlySpan<byte> bytes, Span<float> values)
    {
        switch (type)
        {
            case ValueType.Float32 when BitConverter.IsLittleEndian:
                bytes.CopyTo(MemoryMarshal.AsBytes(values));
                break;
            case ValueType.Float32:
                for (int i = 0; i < values.Length; i++)
                    values[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..]);
                break;
            case ValueType.Float16:
                for (int i = 0; i < values.Length; i++)
                    values[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * i)..]);
                break;
            default:
                for (int i = 0; i < values.Length; i++)
                    values[i] = bytes[i];
                break;
        }
    }
}
