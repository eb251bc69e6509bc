using System.Buffers.Binary;

namespace VectorEngine.Arrow;

/// <summary>
/// The Arrow IPC file format, as far as this folder reads and writes it (https://arrow.apache.org/docs/format/Columnar.html).
/// </summary>
/// <remarks>
/// <code>
/// "ARROW1" 0 0                                     8 bytes
/// message: schema                                  no body
/// message: dictionary batch or record batch, any number of times; this folder writes no dictionaries
/// FF FF FF FF 00 00 00 00                          the end of the messages
/// footer                                           FlatBuffer: the schema again, a block per dictionary and record batch
/// i32 the footer's length | "ARROW1"               10 bytes
///
/// message = FF FF FF FF | i32 length | FlatBuffer, padded to that length | body
/// body    = the columns' buffers, each padded; validity bitmap, then offsets or values, then bytes or child
/// </code>
/// Everything is little-endian. Written files align each message, body and buffer to 64 bytes of the file (the format asks for 8),
/// and the metadata of record batches with the same schema always has the same length: batches with the same number of
/// fixed-width values lie at a constant distance, so the position of any row's value is arithmetic.
/// </remarks>
internal static class ArrowFormat
{
    public const int Alignment = 64;
    public const int MagicLength = 6;

    /// <summary>What comes after the footer: its length and the magic.</summary>
    public const int TrailerLength = sizeof(int) + MagicLength;

    /// <summary>What comes before a message's FlatBuffer: the marker and its length.</summary>
    public const int PrefixLength = 2 * sizeof(int);

    /// <summary>Limits on what a reader allocates before it knows better; a batch of 16 MiB of metadata has 200,000 columns.</summary>
    public const int MaxFooterLength = 64 << 20;
    public const int MaxBatchMetadataLength = 16 << 20;

    /// <summary>A writer remembers so many bytes of the batches' messages: readers that have them need not ask for them.</summary>
    public const int MaxKeptMessagesLength = 4 << 20;

    /// <summary>These many fit into the longest footer, and leave room for the schema.</summary>
    public const int MaxBatches = 2_000_000;

    public const int ContinuationMarker = -1;

    public static ReadOnlySpan<byte> Magic => "ARROW1"u8;

    /// <summary>The FlatBuffer of a batch's message.</summary>
    /// <param name="objectKey">The file's name, for errors.</param>
    /// <param name="block">The batch's place.</param>
    /// <param name="message">Its bytes before the body.</param>
    public static FlatBuffer Unframe(string objectKey, ArrowBlock block, ReadOnlyMemory<byte> message)
    {
        if (BinaryPrimitives.ReadInt32LittleEndian(message.Span) != ContinuationMarker)
            throw new CorruptDataException(objectKey, block.Offset, block.MetadataLength, "a batch does not begin with a message's marker");
        if (BinaryPrimitives.ReadInt32LittleEndian(message.Span[sizeof(int)..]) != message.Length - PrefixLength)
            throw new CorruptDataException(objectKey, block.Offset, block.MetadataLength, "batch and footer tell different lengths");
        return new FlatBuffer(objectKey, block.Offset + PrefixLength, message[PrefixLength..]);
    }

    public static long Align(long length) => (length + (Alignment - 1)) & -Alignment;
}

/// <summary>Numbers of the format's FlatBuffers schema (Schema.fbs, Message.fbs, File.fbs): enum values and field slots.</summary>
internal static class Wire
{
    public const short MetadataV4 = 3;
    public const short MetadataV5 = 4;

    public const byte HeaderSchema = 1;
    public const byte HeaderDictionaryBatch = 2;
    public const byte HeaderRecordBatch = 3;

    public const byte TypeNull = 1;
    public const byte TypeInt = 2;
    public const byte TypeFloatingPoint = 3;
    public const byte TypeBinary = 4;
    public const byte TypeUtf8 = 5;
    public const byte TypeBool = 6;
    public const byte TypeTimestamp = 10;
    public const byte TypeFixedSizeList = 16;
    public const byte TypeLargeBinary = 19;
    public const byte TypeLargeUtf8 = 20;
    public const byte TypeBinaryView = 23;
    public const byte TypeUtf8View = 24;

    /// <summary>Bytes of the structs FieldNode and Buffer, two int64 each, and of Block: int64, int32, padding, int64.</summary>
    public const int NodeLength = 16;
    public const int BufferLength = 16;
    public const int BlockLength = 24;

    public static class Footer
    {
        public const int Version = 0, Schema = 1, Dictionaries = 2, RecordBatches = 3;
    }

    public static class Message
    {
        public const int Version = 0, HeaderType = 1, Header = 2, BodyLength = 3;
    }

    public static class Schema
    {
        public const int Endianness = 0, Fields = 1;
    }

    public static class Field
    {
        public const int Name = 0, Nullable = 1, TypeType = 2, Type = 3, Dictionary = 4, Children = 5;
    }

    public static class DictionaryEncoding
    {
        public const int Id = 0, IndexType = 1;
    }

    public static class Int
    {
        public const int BitWidth = 0, IsSigned = 1;
    }

    public static class FloatingPoint
    {
        public const int Precision = 0;
    }

    public static class Timestamp
    {
        public const int Unit = 0, TimeZone = 1;
    }

    public static class FixedSizeList
    {
        public const int ListSize = 0;
    }

    public static class RecordBatch
    {
        public const int Length = 0, Nodes = 1, Buffers = 2, Compression = 3, ViewBufferCounts = 4;
    }

    public static class DictionaryBatch
    {
        public const int Id = 0, Data = 1, IsDelta = 2;
    }
}

/// <summary>A record batch's place in its file.</summary>
/// <param name="Offset">First byte of the message, from the file's start.</param>
/// <param name="MetadataLength">Bytes before the body, the prefix included.</param>
/// <param name="BodyLength">Bytes of the body.</param>
internal readonly record struct ArrowBlock(long Offset, int MetadataLength, long BodyLength)
{
    public long BodyOffset => Offset + MetadataLength;
}

/// <summary>What a reader needs to know of a file that was written.</summary>
/// <param name="Length">The file's length in bytes.</param>
/// <param name="Footer">The footer's FlatBuffer: a reader that has it need not read it from the file.</param>
/// <param name="Blocks">The place of each record batch.</param>
/// <param name="RowCounts">The rows of each record batch.</param>
/// <param name="Messages">
/// The messages of the record batches without their bodies, one behind the other; empty if they are too long together.
/// </param>
internal sealed record ArrowFileSummary(
    long Length, ReadOnlyMemory<byte> Footer, IReadOnlyList<ArrowBlock> Blocks, IReadOnlyList<long> RowCounts,
    ReadOnlyMemory<byte> Messages);
