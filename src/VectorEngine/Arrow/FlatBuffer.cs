using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace VectorEngine.Arrow;

/// <summary>
/// Reads a FlatBuffer that nobody vouches for: every offset, length and count is checked against the buffer before it is followed.
/// For one thread; see <see cref="FlatBufferBuilder"/> for the layout.
/// </summary>
internal sealed class FlatBuffer(string objectKey, long fileOffset, ReadOnlyMemory<byte> bytes)
{
    // Things may be pointed to from several places, so a small buffer could unfold into gigabytes.
    // Real metadata shares little: unfolding to four times its size is allowed, and then some for very small buffers.
    private readonly long _unfoldLimit = 4L * bytes.Length + 4096;
    private long _unfolded;

    public FlatTable Root() => TableAt(Follow(0));

    public byte Byte(int position) => Slice(position, 1)[0];

    public short Int16(int position) => BinaryPrimitives.ReadInt16LittleEndian(Slice(position, sizeof(short)));

    public int Int32(int position) => BinaryPrimitives.ReadInt32LittleEndian(Slice(position, sizeof(int)));

    public long Int64(int position) => BinaryPrimitives.ReadInt64LittleEndian(Slice(position, sizeof(long)));

    public FlatTable TableAt(int position)
    {
        long vtable = (long)position - Int32(position);
        if (vtable < 0 || vtable > bytes.Length)
            throw Corrupt(position, "a metadata table's vtable lies outside");
        int length = (ushort)Int16((int)vtable);
        if (length < 2 * sizeof(ushort))
            throw Corrupt((int)vtable, $"a vtable of {length} bytes");
        Slice((int)vtable, length);
        CountUnfolded(position, 16);
        return new FlatTable(this, position, (int)vtable, length);
    }

    /// <summary>Where the offset at <paramref name="position"/> points to.</summary>
    public int Follow(int position)
    {
        long target = position + (long)(uint)Int32(position);
        return target < bytes.Length ? (int)target : throw Corrupt(position, "a metadata offset points outside");
    }

    public string StringAt(int position)
    {
        int length = Int32(position);
        if (length < 0)
            throw Corrupt(position, "a metadata string is too long");
        CountUnfolded(position, length);
        ReadOnlySpan<byte> utf8 = Slice(position + sizeof(int), length);
        return Utf8.IsValid(utf8) ? Encoding.UTF8.GetString(utf8) : throw Corrupt(position, "a metadata string is not UTF-8");
    }

    public FlatVector VectorAt(int position, int elementSize)
    {
        int count = Int32(position);
        if (count < 0 || (long)count * elementSize > bytes.Length)
            throw Corrupt(position, "a metadata vector is too long");
        Slice(position + sizeof(int), count * elementSize);
        CountUnfolded(position, count * elementSize);
        return new FlatVector(this, position + sizeof(int), count, elementSize);
    }

    public CorruptDataException Corrupt(int position, string reason) => new(objectKey, fileOffset + position, 0, reason);

    /// <summary>A file that may well be valid, but has something that this library does not read.</summary>
    public NotSupportedException Unsupported(string what) => new($"'{objectKey}' is an Arrow file with {what}, which is not supported.");

    private ReadOnlySpan<byte> Slice(int position, int length)
    {
        if (position < 0 || length > bytes.Length - position)
            throw Corrupt(position, "metadata ends too early");
        return bytes.Span.Slice(position, length);
    }

    private void CountUnfolded(int position, int length)
    {
        _unfolded += length;
        if (_unfolded > _unfoldLimit)
            throw Corrupt(position, "metadata points to the same bytes again and again");
    }
}

/// <summary>A table of a <see cref="FlatBuffer"/>; absent fields have their defaults.</summary>
internal readonly struct FlatTable(FlatBuffer buffer, int position, int vtable, int vtableLength)
{
    public FlatBuffer Buffer => buffer;

    public bool Has(int slot) => PositionOf(slot) != 0;

    public byte Byte(int slot) => PositionOf(slot) is var at and not 0 ? buffer.Byte(at) : (byte)0;

    public short Int16(int slot) => PositionOf(slot) is var at and not 0 ? buffer.Int16(at) : (short)0;

    public int Int32(int slot) => PositionOf(slot) is var at and not 0 ? buffer.Int32(at) : 0;

    public long Int64(int slot) => PositionOf(slot) is var at and not 0 ? buffer.Int64(at) : 0;

    public string String(int slot) => PositionOf(slot) is var at and not 0 ? buffer.StringAt(buffer.Follow(at)) : "";

    /// <summary>The table that the field points to, which must be there.</summary>
    public FlatTable Table(int slot) => PositionOf(slot) is var at and not 0
        ? buffer.TableAt(buffer.Follow(at))
        : throw buffer.Corrupt(position, "a metadata table misses a part");

    public FlatVector Vector(int slot, int elementSize) => PositionOf(slot) is var at and not 0
        ? buffer.VectorAt(buffer.Follow(at), elementSize)
        : default;

    public CorruptDataException Corrupt(string reason) => buffer.Corrupt(position, reason);

    private int PositionOf(int slot)
    {
        int entry = (2 + slot) * sizeof(ushort);
        if (entry + sizeof(ushort) > vtableLength)
            return 0;
        int offset = (ushort)buffer.Int16(vtable + entry);
        return offset == 0 ? 0 : position + offset;
    }
}

/// <summary>A vector of a <see cref="FlatBuffer"/>; an absent one has no elements.</summary>
internal readonly struct FlatVector(FlatBuffer buffer, int start, int count, int elementSize)
{
    public int Count => count;

    public FlatTable Table(int index) => buffer.TableAt(buffer.Follow(start + index * elementSize));

    public int Int32(int index, int offset) => buffer.Int32(start + index * elementSize + offset);

    public long Int64(int index, int offset) => buffer.Int64(start + index * elementSize + offset);
}
