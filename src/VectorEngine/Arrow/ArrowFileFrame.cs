using System.Buffers;
using System.Buffers.Binary;

namespace VectorEngine.Arrow;

/// <summary>Receives a file's bytes in order; the memory may be reused once the call completes.</summary>
internal delegate ValueTask ArrowSink(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

/// <summary>Everything of a file but the bodies: magic, messages, padding, footer. Keeps the block table.</summary>
internal sealed class ArrowFileFrame
{
    private static readonly byte[] Zeros = new byte[ArrowFormat.Alignment];

    private readonly ArrowSink _sink;
    private readonly List<ArrowBlock> _blocks = [];
    private readonly List<long> _rowCounts = [];
    private readonly ArrayBufferWriter<byte> _messages = new();
    private bool _messagesTooLong;
    private long _position;

    /// <exception cref="ArgumentException">A column is of a type that is not written.</exception>
    public ArrowFileFrame(ArrowSchema schema, ArrowSink sink)
    {
        foreach (ArrowField field in schema.Fields)
        {
            if (field.Type.Kind == ArrowTypeKind.Unsupported)
                throw new ArgumentException($"Column '{field.Name}' is of type {field.Type}, which is not written.", nameof(schema));
        }
        Schema = schema;
        _sink = sink;
    }

    public ArrowSchema Schema { get; }

    public IReadOnlyList<ArrowBlock> Blocks => _blocks;

    /// <summary>Writes a record batch's metadata; the body must follow, each buffer ended by <see cref="PadAsync"/>.</summary>
    public async ValueTask StartBatchAsync(
        long rowCount, (long Length, long NullCount)[] nodes, long[] bufferLengths, CancellationToken cancellationToken)
    {
        if (_blocks.Count == ArrowFormat.MaxBatches)
            throw new InvalidOperationException($"A file has at most {ArrowFormat.MaxBatches} batches: put more rows into each.");
        await StartFileAsync(cancellationToken).ConfigureAwait(false);
        long bodyLength = bufferLengths.Sum(ArrowFormat.Align);
        byte[] message = Frame(MetadataEncoder.BatchMessage(rowCount, nodes, bufferLengths, bodyLength));
        _blocks.Add(new ArrowBlock(_position, message.Length, bodyLength));
        _rowCounts.Add(rowCount);
        KeepMessage(message);
        await WriteAsync(message, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (bytes.IsEmpty)
            return;
        await _sink(bytes, cancellationToken).ConfigureAwait(false);
        _position += bytes.Length;
    }

    public ValueTask PadAsync(CancellationToken cancellationToken) =>
        WriteAsync(Zeros.AsMemory(0, (int)(ArrowFormat.Align(_position) - _position)), cancellationToken);

    public async ValueTask<ArrowFileSummary> FinishAsync(CancellationToken cancellationToken)
    {
        await StartFileAsync(cancellationToken).ConfigureAwait(false);
        byte[] footer = MetadataEncoder.Footer(Schema, _blocks);
        var end = new byte[ArrowFormat.PrefixLength + footer.Length + ArrowFormat.TrailerLength];
        BinaryPrimitives.WriteInt32LittleEndian(end, ArrowFormat.ContinuationMarker);
        footer.CopyTo(end, ArrowFormat.PrefixLength);
        Span<byte> trailer = end.AsSpan(^ArrowFormat.TrailerLength..);
        BinaryPrimitives.WriteInt32LittleEndian(trailer, footer.Length);
        ArrowFormat.Magic.CopyTo(trailer[sizeof(int)..]);
        await WriteAsync(end, cancellationToken).ConfigureAwait(false);
        return new ArrowFileSummary(_position, footer, [.. _blocks], [.. _rowCounts], _messages.WrittenMemory);
    }

    private void KeepMessage(byte[] message)
    {
        _messagesTooLong |= _messages.WrittenCount + message.Length > ArrowFormat.MaxKeptMessagesLength;
        if (_messagesTooLong)
            _messages.Clear();
        else
            _messages.Write(message);
    }

    private async ValueTask StartFileAsync(CancellationToken cancellationToken)
    {
        if (_position != 0)
            return;
        var magic = new byte[8];
        ArrowFormat.Magic.CopyTo(magic);
        await WriteAsync(magic, cancellationToken).ConfigureAwait(false);
        await WriteAsync(Frame(MetadataEncoder.SchemaMessage(Schema)), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Prefixes a message's FlatBuffer and pads it so that what follows it is aligned.</summary>
    private byte[] Frame(byte[] flatBuffer)
    {
        long end = ArrowFormat.Align(_position + ArrowFormat.PrefixLength + flatBuffer.Length);
        var framed = new byte[checked((int)(end - _position))];
        BinaryPrimitives.WriteInt32LittleEndian(framed, ArrowFormat.ContinuationMarker);
        BinaryPrimitives.WriteInt32LittleEndian(framed.AsSpan(sizeof(int)), framed.Length - ArrowFormat.PrefixLength);
        flatBuffer.CopyTo(framed, ArrowFormat.PrefixLength);
        return framed;
    }
}
