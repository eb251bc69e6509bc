using VectorEngine.Clustering;
using VectorEngine.Format;
using VectorEngine.Numerics;

namespace VectorEngine.Search;

/// <summary>
/// Which lists a search visits, chosen round by round, nearest first. Without a filter there is one round of as many lists as are to be
/// probed.
/// </summary>
/// <remarks>
/// With a filter, the search has to go farther for its k nearest. Among the lists that hold selected rows at all, it goes on until it has
/// visited as many as hold, of the k / s nearest, the share that the probed lists hold of the k nearest; s is the share of selected rows in
/// those lists. Where the selected rows are gathered in some of the lists, near lists say little about far ones: it then also goes on as
/// long as lists keep bringing it nearer.
/// Within a radius, a list is visited if the slack that neighbours were measured to have lets it hold one (see <see cref="ListReach"/>).
/// </remarks>
internal sealed class ListRounds
{
    /// <summary>The search goes on until it has visited so many times as many lists as when it last came nearer.</summary>
    private const int Patience = 3;

    private const int MaxImprovements = 64;

    private uint[] _remaining = [];

    // When the search has come nearer to its k nearest lately, by the number of lists visited until then.
    private int[] _improvements = [];
    private float _horizon;
    private int _improved;

    private SegmentRoot? _root;
    private SearchPlan _plan;
    private ListReach _reach;
    private double _share, _slack, _selectivity, _needed, _relevant, _scatter, _noise;
    private int _left, _visited, _nextEstimate;
    private long _postings, _selected;

    /// <summary>Whether the search may visit more or fewer lists than its plan says.</summary>
    public bool Active => _root is not null;

    /// <summary>Lists to choose in the next round; 0 if there is none.</summary>
    public int Next { get; private set; }

    /// <summary>The lists that were not chosen yet; empty where all are to be chosen from.</summary>
    public ReadOnlySpan<uint> Remaining => Active ? _remaining : [];

    /// <summary>Starts a search.</summary>
    /// <param name="root">The segment's root.</param>
    /// <param name="plan">How to search.</param>
    public void Begin(SegmentRoot root, in SearchPlan plan)
    {
        Next = plan.ProbeCount;
        if (plan.Filter is null && plan.Radius is null)
        {
            _root = null;
            return;
        }

        (_root, _plan) = (root, plan);
        int lists = root.Description.ListCount;
        if (_remaining.Length != BitWords.Count(lists))
            _remaining = new uint[BitWords.Count(lists)];
        if (plan.Filter is { } filter)
            filter.Lists.CopyTo(_remaining);
        else
            BitWords.Fill(_remaining, lists);
        _left = plan.Filter?.ListCount ?? lists;
        (_visited, _postings, _selected, _relevant, _scatter, _noise, _nextEstimate) = (0, 0, 0, 0, 0, 0, 1);
        (_horizon, _improved) = (float.MaxValue, 0);
        int remembered = 1 + Math.Min(MaxImprovements - 1, plan.Count / 20);
        if (_improvements.Length != remembered)
            _improvements = new int[remembered];
        Array.Clear(_improvements);
        _share = plan.ProbeCount >= lists ? 1 : root.Recall.ShareIn(plan.Count, plan.ProbeCount);
        _slack = root.Recall.SlackFor(plan.Count, _share);
        _selectivity = plan.Filter is null ? 1 : (double)plan.Filter.Count / root.Description.Count;
        _needed = plan.Radius is null ? root.Recall.ListsFor(plan.Count / _selectivity, _share) : plan.ProbeCount;
        // A few more than are expected, rather than a second round.
        Next = _selectivity == 0 ? 0 : (int)Math.Min(_left, Math.Max(plan.ProbeCount, 8 + (1.1 * _needed)));
    }

    /// <summary>Tells how the query's distances to lists and vectors compare.</summary>
    public void SetReach(in ListReach reach) => _reach = reach;

    /// <summary>Whether a chosen list is to be visited.</summary>
    /// <param name="list">The list and its distance as it was chosen.</param>
    public bool Admits(in Neighbor list)
    {
        if (!Active || _relevant < _needed)
            return true;
        return _plan.Radius is { } radius
            ? list.Distance <= _reach.Limit(radius, _root!.Spreads[list.Ordinal], _slack)
            : _horizon == float.MaxValue || (IsGathered && _visited < Patience * _improvements[_improved % _improvements.Length]);
    }

    /// <summary>Takes notice of a list that was visited.</summary>
    /// <param name="postings">Its postings.</param>
    /// <param name="selected">Those of them that may be results, of which there are some.</param>
    /// <param name="horizon">The distance that neighbours have to be below from now on.</param>
    public void Visited(int postings, int selected, float horizon)
    {
        _visited++;
        if (horizon < _horizon)
        {
            _horizon = horizon;
            _improvements[_improved++ % _improvements.Length] = _visited;
        }

        _postings += postings;
        _selected += selected;
        if (_plan.Filter is null)
        {
            _relevant = _visited;
            return;
        }

        // Of rows drawn at random, a list has a Poisson number, here given that it is not 0. (x - mean)^2 - variance is 0 on average
        // and has a variance of about 2 variance^2 + variance, the second part being what a Poisson number's fourth moment adds.
        double lambda = _selectivity * postings, mean = lambda / (1 - Math.Exp(-lambda)), variance = mean * (1 + lambda - mean);
        _scatter += ((selected - mean) * (selected - mean)) - variance;
        _noise += variance * (1 + (2 * variance));
        if (_visited >= _nextEstimate)
            Estimate();
    }

    /// <summary>Whether the visited lists' numbers of selected rows scatter more than chance makes them, by three deviations.</summary>
    private bool IsGathered => _scatter > 3 * Math.Sqrt(_noise);

    /// <summary>
    /// Estimates how many lists would have been visited if those had counted that hold no selected row by chance only. If the lists around
    /// have lambda selected rows on average (Poisson), those of them that have any have lambda / (1 - exp(-lambda)).
    /// </summary>
    private void Estimate()
    {
        double postings = (double)_postings / _visited, mean = (double)_selected / _visited, lambda = mean, before;
        do
        {
            before = lambda;
            lambda = Math.Max(_selectivity * postings, mean * (1 - Math.Exp(-lambda)));
        }
        while (before - lambda > 0.01 * lambda);
        double share = 1 - Math.Exp(-lambda);
        _relevant = _visited / share;
        _needed = Math.Max(_plan.ProbeCount, _root!.Recall.ListsFor(_plan.Count * postings / lambda, _share));
        // Half of the way before the next look.
        _nextEstimate = _visited + Math.Max(1, (int)(Math.Min(_needed - _relevant, int.MaxValue) * share / 2));
    }

    /// <summary>Ends a round, and decides whether there is another.</summary>
    /// <param name="chosen">The lists of the round, in order.</param>
    /// <param name="found">Neighbours found so far, up to k.</param>
    public void EndRound(TopK chosen, int found)
    {
        Next = 0;
        if (!Active || chosen.Count == 0)
            return;
        for (int i = 0; i < chosen.Count; i++)
            BitWords.Clear(_remaining, (int)chosen.Ordinal(i));
        _left -= chosen.Count;
        Neighbor last = chosen[chosen.Count - 1];
        bool isBeyond = _plan.Radius is { } radius
            ? _relevant >= _needed && last.Distance > _reach.Limit(radius, _root!.LargestSpread, _slack)
            : !Admits(last);
        if (_plan.Filter?.Count != found && !isBeyond)
            Next = Math.Min(_left, 2 * chosen.Count);
    }
}
