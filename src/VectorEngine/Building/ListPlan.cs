using VectorEngine.Quantization;

namespace VectorEngine.Building;

/// <summary>
/// Which postings make which list: a list per cluster that has any; a giant cluster has several, all with its centroid, so that no list is
/// longer than a few megabytes, whatever the data.
/// </summary>
internal sealed class ListPlan
{
    /// <summary>The most bytes of a list in both layers together.</summary>
    private const int MaxListBytes = 16 << 20;

    private readonly int[] _firstList;

    public ListPlan(CodeLayout layout, ReadOnlySpan<int> clusterCounts)
    {
        int bytesPerBlock = layout.BlockBytes + (CodeLayout.BlockSize * layout.ExRecordBytes);
        MaxPostings = MaxListBytes / bytesPerBlock * CodeLayout.BlockSize;
        _firstList = new int[clusterCounts.Length + 1];
        List<int> clusters = [], counts = [];
        for (int cluster = 0; cluster < clusterCounts.Length; cluster++)
        {
            _firstList[cluster] = clusters.Count;
            for (int rest = clusterCounts[cluster]; rest > 0; rest -= MaxPostings)
            {
                clusters.Add(cluster);
                counts.Add(Math.Min(rest, MaxPostings));
            }
        }

        _firstList[^1] = clusters.Count;
        (Clusters, Counts) = ([.. clusters], [.. counts]);
    }

    /// <summary>The most postings of a list.</summary>
    public int MaxPostings { get; }

    /// <summary>The cluster of each list.</summary>
    public int[] Clusters { get; }

    /// <summary>The number of postings of each list.</summary>
    public int[] Counts { get; }

    /// <summary>The list of a cluster's posting, which are counted from 0.</summary>
    public int ListOf(int cluster, int posting) => _firstList[cluster] + (posting / MaxPostings);
}
