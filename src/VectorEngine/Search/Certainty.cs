using VectorEngine.Kernels;
using VectorEngine.Loading;
using VectorEngine.Numerics;

namespace VectorEngine.Search;

/// <summary>
/// Which hits are certain to be among the k nearest of the lists that were visited: those whose largest possible distance exceeds the
/// smallest possible one of fewer than k other vectors.
/// </summary>
/// <remarks>
/// The bounds are statistical, of a half-width that makes all of them hold together: an estimate's error exceeds e standard deviations with
/// a probability of at most exp(-e^2 / 2), as for a normal distribution, so e = sqrt(2 ln(n / p)) leaves all n a risk of p.
/// </remarks>
internal sealed class Certainty
{
    private const double Risk = 1e-3;

    private readonly TopK _lowers = new();
    private readonly float _epsilon0;
    private bool _isComplete = true;
    private float _ratio = 1;

    /// <param name="k">k.</param>
    /// <param name="scanned">Vectors that were scanned.</param>
    public Certainty(int k, long scanned)
    {
        // Of the lower bounds, one may be the hit's own.
        _lowers.Reset((int)Math.Min(k + 1L, Array.MaxLength));
        _epsilon0 = (float)Math.Sqrt(2 * Math.Log(Math.Max(2, scanned) / Risk));
    }

    /// <summary>Takes the lists of a segment into account.</summary>
    public void Add(Segment segment, QueryScratch scratch, long start, SearchHit[] hits)
    {
        _ratio = _epsilon0 / scratch.Plan.Epsilon0;
        // The lists of earlier rounds are gone, and flat segments have none.
        _isComplete &= segment.Root.Lists is not null && !scratch.Rounds.Active;
        if (!_isComplete)
            return;
        var known = new Dictionary<uint, float>();
        foreach (SearchHit hit in hits)
        {
            if (hit.Ordinal >= start && hit.Ordinal - start < segment.Root.Description.Count)
                known[(uint)(hit.Ordinal - start)] = hit.Distance - (hit.ErrorBound * _ratio);
        }

        var action = new AddAction { Segment = segment, Scratch = scratch, Lowers = _lowers, Known = known, Epsilon0 = _epsilon0 };
        KernelDispatch.Run(ref action);
    }

    /// <summary>Whether a hit is certain.</summary>
    public bool IsCertain(in SearchHit hit) => _isComplete && hit.Distance + (hit.ErrorBound * _ratio) <= _lowers.Threshold;

    private struct AddAction : IKernelAction
    {
        public required Segment Segment;
        public required QueryScratch Scratch;
        public required TopK Lowers;
        public required Dictionary<uint, float> Known;
        public required float Epsilon0;

        public readonly void Run<K>() where K : struct, IKernels
        {
            for (int rank = 0; rank < Scratch.Lists.Count; rank++)
            {
                ReadOnlySpan<byte> sign = Scratch.SignLists[rank].Span;
                if (!sign.IsEmpty)
                    IvfSearch.OfferLowerBounds<K>(
                        Segment, Scratch, (int)Scratch.Lists.Ordinal(rank), sign, Epsilon0, Lowers, Known);
            }
        }
    }
}
