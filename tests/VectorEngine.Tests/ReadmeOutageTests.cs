// README: begin
using VectorEngine;
using VectorEngine.Storage;
using VectorEngine.Testing;
// README: end

namespace Readme;

/// <summary>The example of outages in README.md.</summary>
public sealed class ReadmeOutageTests
{
    [Fact]
    public async Task The_example_prints_what_it_says()
    {
        var store = new MemoryObjectStore();
        float[] values = [0.9f, 0.1f, 0.0f, 0.8f, 0.3f, 0.1f];
        await VectorIndexBuilder.BuildAsync(store, "things", new VectorMatrix(values, dimensions: 3));
        var Console = new StringWriter(); // in place of the real one
        // README: begin

        // As far away as an object store: 30 ms to the first byte, 90 MB/s per connection, 1 Gbit/s in all. At times it refuses to serve.
        bool outage = true;
        var far = new SimulatedStore(new FaultyStore(store, request => outage ? Fault.Throttling : null), new NetworkProfile());
        try
        {
            await VectorIndex.OpenAsync(far, "things");
        }
        catch (StoreException e) when (e.IsTransient)
        {
            Console.WriteLine("not for now");
        }

        outage = false;
        using VectorIndex index = await VectorIndex.OpenAsync(far, "things");
        SearchResult result = await index.SearchAsync([0.85f, 0.2f, 0.05f], k: 1);
        Console.WriteLine($"row {result[0].Ordinal}");
        // not for now
        // row 0
        // README: end

        ReadmeExample.AssertPrinted(Console);
    }

    [Fact]
    public void The_readme_shows_this_example() => ReadmeExample.AssertShown();
}
