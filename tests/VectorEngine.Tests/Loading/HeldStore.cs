using VectorEngine.Storage;
using VectorEngine.Tests.Index;

namespace VectorEngine.Tests.Loading;

/// <summary>Holds every ranged read until the test lets it go on or fail.</summary>
/// <param name="inner">Has the objects.</param>
/// <param name="heedsCancellation">Whether a read ends when it is cancelled.</param>
internal sealed class HeldStore(IObjectStore inner, bool heedsCancellation = true) : PassingStore(inner)
{
    private readonly Lock _changing = new();
    private readonly List<HeldRead> _reads = [];
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Whether reads are held from now on.</summary>
    public bool Holds { get; set; } = true;

    /// <summary>Reads that were held.</summary>
    public int Count
    {
        get
        {
            lock (_changing)
                return _reads.Count;
        }
    }

    public override async ValueTask ReadAsync(
        string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default)
    {
        if (!Holds)
        {
            await Inner.ReadAsync(key, offset, destination, cancellationToken);
            return;
        }

        var read = new HeldRead(key, offset, destination.Length, cancellationToken);
        lock (_changing)
        {
            _reads.Add(read);
            _more.SetResult();
            _more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        await read.Released.Task.WaitAsync(heedsCancellation ? cancellationToken : CancellationToken.None);
        await Inner.ReadAsync(key, offset, destination, CancellationToken.None);
    }

    /// <summary>A read by its number, once it has come.</summary>
    public async Task<HeldRead> ReadAsync(int number)
    {
        while (true)
        {
            Task more;
            lock (_changing)
            {
                if (_reads.Count > number)
                    return _reads[number];
                more = _more.Task;
            }

            await more.WaitAsync(TimeSpan.FromMinutes(1));
        }
    }
}

/// <summary>A read that waits.</summary>
internal sealed record HeldRead(string Key, long Offset, int Length, CancellationToken Cancelled)
{
    /// <summary>Set to let it go on, or fail.</summary>
    public TaskCompletionSource Released { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Complete() => Released.TrySetResult();

    public void Fail(Exception exception) => Released.TrySetException(exception);
}
