using System.Text;
using System.Text.Unicode;

namespace VectorEngine.Arrow;

/// <summary>A column of text, kept as UTF-8.</summary>
public sealed class Utf8Array : ArrowArray
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ReadOnlyMemory<int> _offsets;
    private readonly ReadOnlyMemory<byte> _bytes;

    /// <param name="offsets">Where each text begins, and where the last one ends; a slice's first is not 0.</param>
    /// <param name="bytes">The texts.</param>
    /// <param name="validity">Which texts are there.</param>
    internal Utf8Array(ReadOnlyMemory<int> offsets, ReadOnlyMemory<byte> bytes, Validity validity)
        : base(ArrowType.Utf8, offsets.Length - 1, validity)
    {
        _offsets = offsets;
        _bytes = bytes;
    }

    /// <summary>The text at <paramref name="index"/>, decoded at every call, or null if it is missing.</summary>
    /// <param name="index">From 0 to <see cref="ArrowArray.Length"/> - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such text.</exception>
    public string? GetString(int index) => IsNull(index) ? null : Encoding.UTF8.GetString(BytesAt(index));

    /// <summary>The UTF-8 bytes of the text at <paramref name="index"/>; empty if it is missing.</summary>
    /// <param name="index">From 0 to <see cref="ArrowArray.Length"/> - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such text.</exception>
    public ReadOnlySpan<byte> GetBytes(int index) => IsNull(index) ? [] : BytesAt(index);

    internal static Utf8Array Encode(IReadOnlyList<string?> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var offsets = new int[values.Count + 1];
        long total = 0;
        for (int i = 0; i < values.Count; i++)
        {
            total += Strict.GetByteCount(values[i] ?? "");
            if (total > Array.MaxLength)
                throw new ArgumentException("The texts take 2 GiB or more.", nameof(values));
            offsets[i + 1] = (int)total;
        }
        var bytes = new byte[total];
        for (int i = 0; i < values.Count; i++)
            Strict.GetBytes(values[i] ?? "", bytes.AsSpan(offsets[i]));
        return new(offsets, bytes, Validity.FromValues(values));
    }

    /// <summary>The index of the first text that is there and is not UTF-8, or -1.</summary>
    internal int FindInvalid()
    {
        // In most columns one pass over all the bytes will do: they are valid, and no text begins inside a character.
        ReadOnlySpan<int> offsets = _offsets.Span;
        if (NullCount == 0 && Utf8.IsValid(_bytes.Span[offsets[0]..offsets[^1]]) && BeginAtCharacters())
            return -1;
        for (int i = 0; i < Length; i++)
        {
            if (!Validity.IsNull(i) && !Utf8.IsValid(BytesAt(i)))
                return i;
        }
        return -1;
    }

    internal override void AppendTo(BatchBody body)
    {
        int start = _offsets.Span[0];
        ReadOnlyMemory<int> offsets = _offsets;
        if (start != 0)
        {
            var rebased = new int[Length + 1];
            for (int i = 0; i < rebased.Length; i++)
                rebased[i] = _offsets.Span[i] - start;
            offsets = rebased;
        }
        body.AddNode(Length, Validity);
        body.AddBuffer(ByteMemory<int>.Of(offsets));
        body.AddBuffer(_bytes[start.._offsets.Span[^1]]);
    }

    private protected override Utf8Array SliceChecked(int start, int count) =>
        new(_offsets.Slice(start, count + 1), _bytes, Validity.Slice(start, count));

    private ReadOnlySpan<byte> BytesAt(int index) => _bytes.Span[_offsets.Span[index].._offsets.Span[index + 1]];

    private bool BeginAtCharacters()
    {
        ReadOnlySpan<byte> bytes = _bytes.Span;
        ReadOnlySpan<int> offsets = _offsets.Span;
        foreach (int offset in offsets)
        {
            if (offset < offsets[^1] && (bytes[offset] & 0xC0) == 0x80)
                return false;
        }
        return true;
    }
}
