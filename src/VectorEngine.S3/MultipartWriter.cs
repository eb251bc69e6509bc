using System.Buffers;
using System.Net;
using System.Runtime.ExceptionServices;
using Amazon.S3.Model;
using VectorEngine.Storage;

namespace VectorEngine.S3;

/// <summary>Uploads an object in parts while it is written; one that fits into a part is put whole.</summary>
internal sealed class MultipartWriter(S3Bucket bucket, ConditionalPut put, SemaphoreSlim slots, string key) : ObjectWriter
{
    private const int FirstPartSize = 8 << 20, PartsOfOneSize = 1000, MaxDoublings = 7, FirstBufferSize = 64 << 10;

    // Tells this upload's object from others: see ConditionalPut.
    private readonly string _mark = Guid.NewGuid().ToString("N");
    private readonly List<Task<UploadPartResponse>> _parts = [];
    private readonly CancellationTokenSource _abandoned = new();
    private byte[] _buffer = [];
    private int _filled;
    private long _length, _uploaded;
    private string? _upload;
    private volatile ExceptionDispatchInfo? _failure;
    private bool _ended, _committed, _disposed;

    public override long Length => _length;

    /// <summary>At most 10,000 parts are allowed: doubling their size after each thousand lets them have 4 TiB.</summary>
    private int PartSize => FirstPartSize << Math.Min(_parts.Count / PartsOfOneSize, MaxDoublings);

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
    {
        ThrowIfEnded();
        cancellationToken.ThrowIfCancellationRequested();
        int length = bytes.Length, filled = _filled, parts = _parts.Count;
        try
        {
            while (!bytes.IsEmpty)
            {
                if (_filled == PartSize)
                    await UploadBufferAsync(cancellationToken).ConfigureAwait(false);
                int taken = Math.Min(bytes.Length, PartSize - _filled);
                Reserve(_filled + taken);
                bytes.Span[..taken].CopyTo(_buffer.AsSpan(_filled));
                _filled += taken;
                bytes = bytes[taken..];
            }
        }
        catch (Exception e)
        {
            if (_parts.Count == parts)
                _filled = filled;   // nothing was appended
            else
                _failure ??= ExceptionDispatchInfo.Capture(e);   // some of the bytes are on their way
            throw;
        }

        _length += length;
    }

    public override async ValueTask CommitAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfEnded();
        _ended = true;
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            await FinishAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (StoreException e) when (e.IsTransient)
        {
            _ended = false;
            throw;
        }

        _committed = true;
    }

    public override async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        if (_upload is not null && !_committed)
            await AbortAsync().ConfigureAwait(false);
        ArrayPool<byte>.Shared.Return(_buffer);
        _abandoned.Dispose();
    }

    private async Task FinishAsync(CancellationToken cancellationToken)
    {
        if (_upload is null)
        {
            await put.WriteAsync(key, _buffer.AsMemory(0, _filled), WriteCondition.None, cancellationToken).ConfigureAwait(false);
            return;
        }

        if (_filled > 0)   // or it is not the first attempt
            await UploadBufferAsync(cancellationToken).ConfigureAwait(false);
        UploadPartResponse[] parts = await Task.WhenAll(_parts).WaitAsync(cancellationToken).ConfigureAwait(false);
        await CompleteAsync(parts, cancellationToken).ConfigureAwait(false);
    }

    private async Task UploadBufferAsync(CancellationToken cancellationToken)
    {
        _failure?.Throw();
        _upload ??= await StartAsync(cancellationToken).ConfigureAwait(false);
        await slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        _parts.Add(UploadAsync(_parts.Count + 1, _buffer, _filled, _uploaded));
        _uploaded += _filled;
        (_buffer, _filled) = ([], 0);
    }

    private async Task<string> StartAsync(CancellationToken cancellationToken)
    {
        var request = new InitiateMultipartUploadRequest { BucketName = bucket.Name, Key = bucket.FullKey(key) };
        request.Metadata.Add(S3Bucket.WriteMark, _mark);
        InitiateMultipartUploadResponse started = await S3Errors.TranslateAsync(
            bucket.Client.InitiateMultipartUploadAsync(request, cancellationToken), key, 0, 0, cancellationToken).ConfigureAwait(false);
        return started.UploadId;
    }

    /// <summary>
    /// Uploads a part from a buffer of the pool, to which it gives it back, and frees the slot that was taken for it. It is only here that a
    /// part can be tried again: afterwards its bytes are gone.
    /// </summary>
    private async Task<UploadPartResponse> UploadAsync(int number, byte[] buffer, int length, long offset)
    {
        try
        {
            for (int attempt = 1; ; attempt++)
            {
                try
                {
                    return await UploadOnceAsync(number, buffer, length, offset).ConfigureAwait(false);
                }
                catch (StoreException e) when (Retries.AreWorthIt(e, attempt))
                {
                    await Retries.PauseAsync(attempt, layer: null, _abandoned.Token).ConfigureAwait(false);
                }
            }
        }
        catch (StoreException e) when (e.IsTransient)
        {
            var final = new StoreException(key, offset, length, "a part of it could not be uploaded", isTransient: false, e);
            _failure ??= ExceptionDispatchInfo.Capture(final);
            throw final;
        }
        catch (Exception e)
        {
            _failure ??= ExceptionDispatchInfo.Capture(e);
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            slots.Release();
        }
    }

    private Task<UploadPartResponse> UploadOnceAsync(int number, byte[] buffer, int length, long offset)
    {
        var request = new UploadPartRequest
        {
            BucketName = bucket.Name,
            Key = bucket.FullKey(key),
            UploadId = _upload,
            PartNumber = number,
            PartSize = length,
            InputStream = new MemoryStream(buffer, 0, length, writable: false),
        };
        return S3Errors.TranslateAsync(
            bucket.Client.UploadPartAsync(request, _abandoned.Token), key, offset, length, _abandoned.Token);
    }

    private async Task CompleteAsync(UploadPartResponse[] parts, CancellationToken cancellationToken)
    {
        var request = new CompleteMultipartUploadRequest { BucketName = bucket.Name, Key = bucket.FullKey(key), UploadId = _upload };
        request.AddPartETags(parts);
        try
        {
            await S3Errors.TranslateAsync(
                bucket.Client.CompleteMultipartUploadAsync(request, cancellationToken), key, 0, 0, cancellationToken).ConfigureAwait(false);
        }
        catch (StoreException e) when (S3Errors.StatusOf(e) == HttpStatusCode.NotFound)
        {
            // No such upload: the client has repeated a request whose answer got lost, or somebody has aborted the upload.
            if (!S3Bucket.HasMark(await bucket.HeadAsync(key, cancellationToken).ConfigureAwait(false), _mark))
                throw;
        }
    }

    private async Task AbortAsync()
    {
        await _abandoned.CancelAsync().ConfigureAwait(false);
        await ((Task)Task.WhenAll(_parts)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            await bucket.Client.AbortMultipartUploadAsync(bucket.Name, bucket.FullKey(key), _upload).ConfigureAwait(false);
        }
        catch (Exception e) when (S3Errors.IsOfStore(e))
        {
            // What stays shows in no listing; the failure to report is the one that led here.
        }
    }

    private void Reserve(int length)
    {
        if (length <= _buffer.Length)
            return;
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(length, Math.Min(Math.Max(2 * _buffer.Length, FirstBufferSize), PartSize)));
        _buffer.AsSpan(0, _filled).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    private void ThrowIfEnded()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _failure?.Throw();
        if (_ended)
            throw new InvalidOperationException($"The writer of '{key}' was committed already.");
    }
}
