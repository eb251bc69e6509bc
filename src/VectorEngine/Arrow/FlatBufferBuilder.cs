using System.Buffers.Binary;
using System.Text;

namespace VectorEngine.Arrow;

/// <summary>
/// Writes FlatBuffers, the encoding of Arrow's metadata, back to front: what is pointed to is written before what points to it,
/// because FlatBuffers' offsets only point forward.
/// </summary>
/// <remarks>
/// A position is a number of bytes from the buffer's end. Every field of a table is written, also where it has its default value,
/// and tables do not share vtables: so the length of a message depends only on how many things it holds, never on their values.
/// <code>
/// vtable   u16 its length | u16 the table's length | u16 per field: where it lies in the table, 0 if absent
/// table    i32 distance back to its vtable | fields
/// vector   u32 count | elements
/// string   u32 count | UTF-8 bytes | 0
/// offset   u32 distance forward from itself
/// </code>
/// </remarks>
internal sealed class FlatBufferBuilder
{
    private const int MaxSlots = 8;

    private readonly int[] _slots = new int[MaxSlots];
    private byte[] _bytes = new byte[512];
    private int _used;
    private int _tableEnd;
    private int _slotCount;

    public int AddString(string value)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(value);
        Align(sizeof(int), utf8.Length + 1);
        Reserve(1)[0] = 0;
        utf8.CopyTo(Reserve(utf8.Length));
        PushInt32(utf8.Length);
        return _used;
    }

    /// <summary>A vector of <paramref name="count"/> structs, each aligned to 8 bytes.</summary>
    public int AddStructs(ReadOnlySpan<byte> structs, int count)
    {
        Align(sizeof(long), structs.Length);
        structs.CopyTo(Reserve(structs.Length));
        PushInt32(count);
        return _used;
    }

    public int AddOffsets(ReadOnlySpan<int> targets)
    {
        Align(sizeof(int), 0);
        for (int i = targets.Length - 1; i >= 0; i--)
            PushOffset(targets[i]);
        PushInt32(targets.Length);
        return _used;
    }

    public void StartTable()
    {
        Array.Clear(_slots);
        _slotCount = 0;
        _tableEnd = _used;
    }

    public void SetByte(int slot, byte value)
    {
        Reserve(1)[0] = value;
        SetSlot(slot);
    }

    public void SetInt16(int slot, short value)
    {
        Align(sizeof(short), 0);
        BinaryPrimitives.WriteInt16LittleEndian(Reserve(sizeof(short)), value);
        SetSlot(slot);
    }

    public void SetInt32(int slot, int value)
    {
        Align(sizeof(int), 0);
        PushInt32(value);
        SetSlot(slot);
    }

    public void SetInt64(int slot, long value)
    {
        Align(sizeof(long), 0);
        BinaryPrimitives.WriteInt64LittleEndian(Reserve(sizeof(long)), value);
        SetSlot(slot);
    }

    public void SetOffset(int slot, int target)
    {
        Align(sizeof(int), 0);
        PushOffset(target);
        SetSlot(slot);
    }

    public int EndTable()
    {
        Align(sizeof(int), 0);
        Reserve(sizeof(int));
        int table = _used;
        for (int i = _slotCount - 1; i >= 0; i--)
            PushUInt16(_slots[i] == 0 ? 0 : table - _slots[i]);
        PushUInt16(table - _tableEnd);
        PushUInt16(sizeof(ushort) * (2 + _slotCount));
        BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(_bytes.Length - table), _used - table);
        return table;
    }

    /// <summary>The finished buffer, a multiple of 8 bytes long.</summary>
    public byte[] Finish(int root)
    {
        Align(sizeof(long), sizeof(int));
        PushOffset(root);
        return _bytes[^_used..];
    }

    private void SetSlot(int slot)
    {
        _slots[slot] = _used;
        _slotCount = Math.Max(_slotCount, slot + 1);
    }

    private void PushOffset(int target) => PushInt32(_used + sizeof(int) - target);

    private void PushInt32(int value) => BinaryPrimitives.WriteInt32LittleEndian(Reserve(sizeof(int)), value);

    private void PushUInt16(int value) => BinaryPrimitives.WriteUInt16LittleEndian(Reserve(sizeof(ushort)), checked((ushort)value));

    /// <summary>Pads so that the position is aligned after <paramref name="length"/> more bytes.</summary>
    private void Align(int alignment, int length) => Reserve(-(_used + length) & (alignment - 1)).Clear();

    private Span<byte> Reserve(int length)
    {
        if (_bytes.Length - _used < length)
        {
            var larger = new byte[Math.Max(checked(_bytes.Length * 2), checked(_used + length))];
            _bytes.AsSpan(_bytes.Length - _used).CopyTo(larger.AsSpan(larger.Length - _used));
            _bytes = larger;
        }
        _used += length;
        return _bytes.AsSpan(_bytes.Length - _used, length);
    }
}
