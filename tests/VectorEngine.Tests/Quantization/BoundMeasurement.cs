using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Quantization;

/// <summary>
/// How often the bounds that an index reports fail. A search for as many hits as there are vectors prunes nothing and reports an estimate
/// and a bound for every posting, computed as when pruning; a statistical bound is proportional to epsilon0, so one search at 1 serves all.
/// </summary>
internal sealed class BoundMeasurement
{
    /// <summary>Epsilon0, and how much more than the normal tail may fail.</summary>
    public static readonly float[] Epsilons = [1.9f, 2.5f, 3.0f, 3.3f];

    private readonly long[] _failures = new long[Epsilons.Length];
    private double _sum;

    /// <summary>Pairs of a posting and a query.</summary>
    public long Pairs { get; private set; }

    /// <summary>Mean of the error in units of its standard deviation.</summary>
    public double Bias => _sum / Pairs;

    public double Rate(int epsilon) => _failures[epsilon] / (double)Pairs;

    public override string ToString() =>
        $"{Pairs:n0} pairs, bias {Bias:f4}, failures "
            + string.Join(", ", Epsilons.Select((epsilon, i) => $"{epsilon}: {100 * Rate(i):f3} %"));

    /// <summary>Measures one layer.</summary>
    public static BoundMeasurement Measure(VectorIndex index, VectorMatrix queries, double[][] distances, SearchStage stage)
    {
        var measured = new BoundMeasurement();
        var options = new SearchOptions { ProbeCount = int.MaxValue, Stage = stage, Epsilon0 = 1 };
        for (int q = 0; q < queries.Count; q++)
        {
            SearchResult result = index.Search(queries[q], (int)index.Count, options);
            Assert.Equal(index.Count, result.Count);
            for (int rank = 0; rank < result.Count; rank++)
                measured.Add(result[rank], distances[q][result[rank].Ordinal]);
        }

        return measured;
    }

    /// <summary>Every query's true distance to every vector.</summary>
    public static double[][] Distances(Metric metric, VectorMatrix vectors, VectorMatrix queries)
    {
        double[][] distances = new double[queries.Count][];
        Parallel.For(0, queries.Count, q =>
        {
            distances[q] = new double[vectors.Count];
            for (int row = 0; row < vectors.Count; row++)
                distances[q][row] = Reference.Distance(metric, queries[q], vectors[row]);
        });
        return distances;
    }

    /// <summary>Up to 1.3 times the normal tail, and at 3.3, where few pairs fail, a thousandth.</summary>
    public void AssertTails(string what)
    {
        for (int i = 0; i < Epsilons.Length; i++)
        {
            double allowed = Epsilons[i] == 3.3f ? 0.001 : 1.3 * Reference.NormalTail(Epsilons[i]);
            Assert.True(Rate(i) < allowed, $"{what}: {this}; {100 * allowed:f3} % are allowed at {Epsilons[i]}.");
        }
    }

    private void Add(SearchHit hit, double distance)
    {
        Pairs++;
        double error = hit.Distance - distance;
        _sum += hit.ErrorBound > 0 ? error / hit.ErrorBound : 0;
        for (int i = 0; i < Epsilons.Length; i++)
        {
            if (Math.Abs(error) > Epsilons[i] * hit.ErrorBound)
                _failures[i]++;
        }
    }
}
