namespace VectorEngine;

/// <summary>How far a search goes into the layers of the index.</summary>
public enum SearchStage
{
    /// <summary>Estimates from the 1-bit layer alone: the fastest and roughest.</summary>
    Sign = 1,

    /// <summary>The 1-bit layer prunes, the 3-bit layer refines the survivors.</summary>
    Refined = 2,

    /// <summary>What refinement leaves is compared with the stored vectors: exact distances. Needs stored vectors.</summary>
    Exact = 3,

    /// <summary>
    /// Every stored vector is compared, whatever lists and bounds say: the true neighbours, slowly. Needs stored vectors.
    /// </summary>
    BruteForce = 4,
}

/// <summary>What the bounds around estimated distances promise.</summary>
public enum ErrorBound
{
    /// <summary>Epsilon0 standard deviations of the estimate's error: holds for most postings, fails for a known small share.</summary>
    Statistical = 0,

    /// <summary>Never fails, and prunes far less: for certificates and proofs, not for speed.</summary>
    Hard = 1,
}

/// <summary>How to search. The defaults suit most uses.</summary>
public sealed record SearchOptions
{
    /// <summary>The defaults.</summary>
    public static SearchOptions Default { get; } = new();

    /// <summary>
    /// Posting lists to visit in each segment, from 1; more than there are means all. Null: 3 % of the lists, at least 16.
    /// A flat index has no lists and ignores it. With a filter, at least these of the lists that may hold a selected row, and as many more
    /// as keep the recall.
    /// </summary>
    public int? ProbeCount { get; init; }

    /// <summary>
    /// Instead of <see cref="ProbeCount"/>: the share of the true nearest, above 0 and up to 1, that the visited lists should hold on
    /// average. Lists are counted as the build has measured it on some of the indexed vectors, left out of training; queries unlike these
    /// get less. 1 visits all lists. What pruning and estimated distances lose comes on top.
    /// </summary>
    public double? RecallTarget { get; init; }

    /// <summary>What the search may take; it then visits fewer lists, or goes less far, than it would otherwise. Null: whatever it takes.</summary>
    public SearchBudget? Budget { get; init; }

    /// <summary>
    /// The rows that may be returned: a <see cref="RowSet"/> or a condition on the metadata. Null: all. Searches visit as many more lists
    /// as it takes to find the selected rows with the recall that the same options give without a filter.
    /// </summary>
    public Filter? Filter { get; init; }

    /// <summary>
    /// How far to go. Null: exact if the vectors are stored, otherwise refined, for each segment. A flat one is always searched exactly.
    /// </summary>
    public SearchStage? Stage { get; init; }

    /// <summary>What the bounds promise that decide which postings are pruned.</summary>
    public ErrorBound Bound { get; init; } = ErrorBound.Statistical;

    /// <summary>
    /// Half-width of the statistical bound in standard deviations, above 0; a larger one loses less and refines more.
    /// Null: 1.9, or 2.5 where the stage is exact, which lose less than 0.001 of recall@10 on real vectors.
    /// </summary>
    public float? Epsilon0 { get; init; }

    /// <summary>
    /// Metadata columns to return with each hit, in this order; empty for none. Null: the column of ids, if the index has one.
    /// </summary>
    public IReadOnlyList<string>? Columns { get; init; }
}

/// <summary>
/// What a search may take. What is in memory already costs nothing. What was given up for it is told by
/// <see cref="SearchReceipt.ListsGivenUp"/> and by the stage of the result.
/// </summary>
public sealed record SearchBudget
{
    /// <summary>
    /// Bytes to ask of the store, above 0. The nearest lists whose bytes all fit are visited; if not even one does, the stage is lowered,
    /// and the 1-bit layer of one list is read in any case. Requests that are repeated, filters and metadata are not counted.
    /// </summary>
    public long? Bytes { get; init; }

    /// <summary>Requests to make of the store, above 0, like <see cref="Bytes"/>.</summary>
    public int? Requests { get; init; }

    /// <summary>
    /// Time after which the best answer so far is returned, above 0; the first, by the 1-bit layer, is waited for in any case.
    /// Batches and searches within a radius do not look at it.
    /// </summary>
    public TimeSpan? Time { get; init; }
}
