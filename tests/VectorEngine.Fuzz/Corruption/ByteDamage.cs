using System.Buffers.Binary;

namespace VectorEngine.Fuzz.Corruption;

/// <summary>Ways to damage an object without knowing what it is.</summary>
internal static class ByteDamage
{
    private static readonly long[] Integers =
    [
        0, 1, 2, 3, 7, 31, 32, 33, 63, 64, 127, 128, 255, 256, 1023, 1024, 1025, 65535, 65536, 1 << 20, 1 << 30, int.MaxValue - 1,
        int.MaxValue, int.MinValue, uint.MaxValue, 1L << 32, 1L << 40, 1L << 62, long.MaxValue, long.MinValue, -1, -2, -64,
    ];

    private static readonly float[] Floats =
    [
        float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, float.MinValue, float.Epsilon, -0f, 1e20f, -1e20f,
    ];

    /// <summary>Damages a copy of an object in one of many ways.</summary>
    /// <param name="bytes">The object.</param>
    /// <param name="place">Draws a position to damage, within the object.</param>
    /// <param name="random">Decides.</param>
    public static byte[] Apply(byte[] bytes, Func<int> place, Random random)
    {
        if (bytes.Length == 0)
            return [.. RandomBytes(random, 1 + random.Next(100))];
        byte[] damaged = [.. bytes];
        int at = place();
        switch (random.Next(12))
        {
            case 0:
                damaged[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                damaged[at] = random.Next(3) switch { 0 => 0, 1 => 0xFF, _ => (byte)random.Next(256) };
                break;
            case 2 or 3:
                OverwriteInteger(damaged, at, random);
                break;
            case 4:
                OverwriteFloat(damaged, at, random);
                break;
            case 5:
                damaged.AsSpan(at, Length(damaged, at, random)).Fill(random.Next(2) == 0 ? (byte)0 : (byte)0xFF);
                break;
            case 6:
                random.NextBytes(damaged.AsSpan(at, Length(damaged, at, random)));
                break;
            case 7:
                Exchange(damaged, at, place(), random);
                break;
            case 8:
                return damaged[..(random.Next(2) == 0 ? at : damaged.Length - 1 - random.Next(Math.Min(damaged.Length, 128)))];
            case 9:
                return [.. damaged, .. random.Next(2) == 0 ? new byte[1 + random.Next(200)] : RandomBytes(random, 1 + random.Next(200))];
            case 10:
                return [.. damaged[..at], .. damaged[(at + Length(damaged, at, random))..]];
            default:
                return [.. damaged[..at], .. damaged[at..(at + Length(damaged, at, random))], .. damaged[at..]];
        }

        return damaged;
    }

    private static void OverwriteInteger(byte[] bytes, int at, Random random)
    {
        int size = 2 << random.Next(3);
        Span<byte> place = AlignedPlace(bytes, at, size);
        if (place.IsEmpty)
            return;
        long present = size switch
        {
            2 => BinaryPrimitives.ReadInt16LittleEndian(place),
            4 => BinaryPrimitives.ReadInt32LittleEndian(place),
            _ => BinaryPrimitives.ReadInt64LittleEndian(place),
        };
        long value = unchecked(random.Next(6) switch
        {
            0 => present + 1,
            1 => present - 1,
            2 => present * 2,
            3 => bytes.Length + random.Next(-2, 3),
            _ => Integers[random.Next(Integers.Length)],
        });
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, value);
        number[..size].CopyTo(place);
    }

    private static void OverwriteFloat(byte[] bytes, int at, Random random)
    {
        float value = Floats[random.Next(Floats.Length)];
        Span<byte> single = AlignedPlace(bytes, at, 4), half = AlignedPlace(bytes, at, 2);
        switch (random.Next(3))
        {
            case 0 when !half.IsEmpty:
                BinaryPrimitives.WriteHalfLittleEndian(half, (Half)value);
                break;
            case 1 when !half.IsEmpty:
                BinaryPrimitives.WriteUInt16LittleEndian(half, (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16)); // bfloat16
                break;
            case 2 when !single.IsEmpty:
                BinaryPrimitives.WriteSingleLittleEndian(single, value);
                break;
        }
    }

    /// <summary>Exchanges two ranges, or writes one over the other; often they are fields of a few bytes.</summary>
    private static void Exchange(byte[] bytes, int first, int second, Random random)
    {
        if (random.Next(2) == 0)
            (first, second) = (first & ~7, second & ~7);
        int[] lengths = [4, 8, 12, 16, 32, 64, 1 + random.Next(1000)];
        int length = Math.Min(lengths[random.Next(lengths.Length)], bytes.Length - Math.Max(first, second));
        byte[] copy = bytes[first..(first + length)];
        if (random.Next(2) == 0)
            bytes.AsSpan(second, length).CopyTo(bytes.AsSpan(first));
        copy.CopyTo(bytes, second);
    }

    private static int Length(byte[] bytes, int at, Random random) => 1 + random.Next(Math.Min(bytes.Length - at, 1 << random.Next(2, 14)));

    private static Span<byte> AlignedPlace(byte[] bytes, int at, int size)
    {
        at -= at % size;
        return at + size <= bytes.Length ? bytes.AsSpan(at, size) : default;
    }

    private static byte[] RandomBytes(Random random, int count)
    {
        byte[] bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }
}
