namespace VectorEngine.Loading;

/// <summary>Admits requests while there are few enough, and few enough bytes, on their way; the others wait in order.</summary>
internal sealed class RequestGate(int maxRequests, long maxBytes)
{
    private readonly Lock _changing = new();
    private readonly Queue<Waiter> _waiting = [];
    private TaskCompletionSource? _quiet;
    private int _requests, _background;
    private long _bytes;

    /// <summary>Bytes on their way.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Waits for admission; whoever is admitted calls <see cref="Leave"/>.</summary>
    /// <param name="bytes">Bytes of the request.</param>
    /// <param name="isBackground">Whether it does not count for <see cref="QuietAsync"/>.</param>
    /// <param name="cancellationToken">Cancels the waiting.</param>
    public ValueTask EnterAsync(long bytes, bool isBackground, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_changing)
        {
            if (TryEnter(bytes, isBackground))
                return ValueTask.CompletedTask;

            waiter = new Waiter(bytes, isBackground);
            _waiting.Enqueue(waiter);
        }

        return WaitAsync(waiter, cancellationToken);
    }

    /// <summary>Enters if that takes no waiting, and nobody else waits; then <see cref="Leave"/> has to be called.</summary>
    public bool TryEnter(long bytes, bool isBackground)
    {
        lock (_changing)
        {
            if (_waiting.Count > 0 || !Fits(bytes))
                return false;
            Admit(bytes, isBackground);
            return true;
        }
    }

    public void Leave(long bytes, bool isBackground)
    {
        lock (_changing)
        {
            _requests--;
            _background -= isBackground ? 1 : 0;
            _bytes -= bytes;
            AdmitWaiting();
            if (_requests > _background)
                return;
            _quiet?.TrySetResult();
            _quiet = null;
        }
    }

    /// <summary>
    /// Waits until nothing but the background's is on its way, or some time has passed: for what is to disturb others little, but not to
    /// starve.
    /// </summary>
    public async ValueTask QuietAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        Task quiet;
        lock (_changing)
        {
            if (_requests == _background)
                return;
            quiet = (_quiet ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(quiet, Task.Delay(patience, timer.Token)).ConfigureAwait(false);
        await timer.CancelAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private bool Fits(long bytes) => _requests == 0 || (_requests < maxRequests && _bytes + bytes <= maxBytes);

    private void Admit(long bytes, bool isBackground)
    {
        _requests++;
        _background += isBackground ? 1 : 0;
        _bytes += bytes;
    }

    /// <summary>Admits those whose turn it is, as far as they fit.</summary>
    private void AdmitWaiting()
    {
        while (_waiting.TryPeek(out Waiter? next) && (next.Task.IsCompleted || Fits(next.Bytes)))
        {
            _waiting.Dequeue();
            if (next.TrySetResult())
                Admit(next.Bytes, next.IsBackground);
        }
    }

    private async ValueTask WaitAsync(Waiter waiter, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration registration = cancellationToken.Register(() => GiveUp(waiter, cancellationToken));
        await waiter.Task.ConfigureAwait(false);
    }

    /// <summary>Lets a waiter go. Either this or its admission comes first: whoever gives up is never counted.</summary>
    private void GiveUp(Waiter waiter, CancellationToken cancellationToken)
    {
        if (!waiter.TrySetCanceled(cancellationToken))
            return;
        lock (_changing)
            AdmitWaiting(); // those behind it may fit
    }

    private sealed class Waiter(long bytes, bool isBackground) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public long Bytes => bytes;

        public bool IsBackground => isBackground;
    }
}
