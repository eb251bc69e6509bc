using VectorEngine.Kernels;
using VectorEngine.Loading;
using VectorEngine.Numerics;
using VectorEngine.Quantization;
using VectorEngine.Search;
using VectorEngine.Telemetry;

namespace VectorEngine;

/// <content>Searches by vectors of the index.</content>
public sealed partial class VectorIndex
{
    /// <summary>How far the query moves from the examples that are liked, as a share of their distance from those that are not.</summary>
    private const float UnlikeWeight = 1f / 3;

    /// <summary>
    /// Finds vectors like some of the index and unlike others, such as points that a user has selected in a plot. The examples themselves
    /// are not among the hits.
    /// </summary>
    /// <remarks>
    /// The query is made from the stored vectors as Rocchio did ("Relevance feedback in information retrieval", in Salton (ed.), The SMART
    /// Retrieval System, 1971): with L the mean of the vectors that are liked (under cosine, brought to unit length first) and U that of
    /// the others, it is L + (L - U) / 3, or L alone. Its direction is that of L - U / 4, and unlike that it does not depend on where the
    /// origin is.
    /// </remarks>
    /// <param name="like">Ordinals of the examples to be near to; at least one.</param>
    /// <param name="unlike">Ordinals of the examples to be far from; may be empty.</param>
    /// <param name="k">Number of hits wanted, from 1.</param>
    /// <param name="options">How to search; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels the search.</param>
    /// <exception cref="ArgumentException">There is nothing to be like, or an option is out of range.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such vector.</exception>
    /// <exception cref="VectorsNotStoredException">The index, or a segment of it, has no stored vectors.</exception>
    /// <exception cref="InvalidVectorException">Under cosine, the examples cancel out: the query has no direction.</exception>
    /// <exception cref="CorruptDataException">What was read from the store is damaged.</exception>
    /// <exception cref="ObjectDisposedException">The index is disposed.</exception>
    public async ValueTask<SearchResult> SearchByExampleAsync(
        ReadOnlyMemory<long> like, ReadOnlyMemory<long> unlike, int k, SearchOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        if (like.IsEmpty)
            throw new ArgumentException("There is nothing to be like.", nameof(like));
        options ??= SearchOptions.Default;
        Check(Dimensions, k, options);
        RequireVectors();
        using var use = new ActiveSearch(this);
        SearchResult[] results = await ObserveAsync(SearchObservation.Example, k, async () =>
            [await AnswerByExampleAsync(like, unlike, k, options, cancellationToken).ConfigureAwait(false)]).ConfigureAwait(false);
        return results[0];
    }

    private async Task<SearchResult> AnswerByExampleAsync(
        ReadOnlyMemory<long> like, ReadOnlyMemory<long> unlike, int k, SearchOptions options, CancellationToken cancellationToken)
    {
        var reads = new ReadScope();
        float[] query = await MeanAsync(like, reads, cancellationToken).ConfigureAwait(false);
        if (!unlike.IsEmpty)
        {
            float[] far = await MeanAsync(unlike, reads, cancellationToken).ConfigureAwait(false);
            for (int i = 0; i < query.Length; i++)
                query[i] += UnlikeWeight * (query[i] - far[i]);
        }

        HashSet<long> examples = [.. like.Span, .. unlike.Span];
        int wanted = (int)Math.Min((long)k + examples.Count, int.MaxValue);
        SearchRequest request = await WithFiltersAsync(
            new SearchRequest(wanted, options with { Columns = [] }) { Before = reads }, cancellationToken).ConfigureAwait(false);
        SearchResult found = await AnswerAsync(_searcher.Begin(query, request), request, cancellationToken).ConfigureAwait(false);
        SearchResult result = found.Without(examples, k);
        await AddRowsAsync(result, options, cancellationToken).ConfigureAwait(false);
        return result;
    }

    /// <summary>The mean of stored vectors, under cosine of their directions.</summary>
    private async ValueTask<float[]> MeanAsync(ReadOnlyMemory<long> ordinals, ReadScope reads, CancellationToken cancellationToken)
    {
        float[] vectors = await RowReader.ReadVectorsAsync(_segments, ordinals, reads, cancellationToken).ConfigureAwait(false);
        float[] mean = new float[Dimensions];
        var action = new MeanAction { Vectors = vectors, Mean = mean, Normalise = Metric == Metric.Cosine };
        KernelDispatch.Run(ref action);
        return mean;
    }

    private ref struct MeanAction : IKernelAction
    {
        public Span<float> Vectors, Mean;
        public bool Normalise;

        public readonly void Run<K>() where K : struct, IKernels
        {
            int count = Vectors.Length / Mean.Length;
            for (int i = 0; i < count; i++)
            {
                Span<float> vector = Vectors.Slice(i * Mean.Length, Mean.Length);
                if (Normalise)
                    VectorCheck.Normalise<K>(vector, K.Dot(vector, vector), i);
                SpanMath.Scale(vector, 1f / count, vector);
                SpanMath.Add(Mean, vector, Mean);
            }
        }
    }
}
