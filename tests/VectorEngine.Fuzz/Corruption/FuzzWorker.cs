namespace VectorEngine.Fuzz.Corruption;

/// <summary>
/// The process that may crash: runs cases and tells what it is doing. Lines on standard output: "start N", "end N OUTCOME REASON".
/// </summary>
internal static class FuzzWorker
{
    public const string Start = "start", End = "end";

    public static async Task<int> RunAsync(int seed, int from, int to, int jobs)
    {
        IntactIndex[] corpus = await Corpus.BuildAsync(seed);
        for (int number = from; number < to; number = Following(number, jobs))
        {
            Console.WriteLine($"{Start} {number}");
            Judgement judgement = await Judgement.OfAsync(new FuzzCase(corpus, seed, number));
            Console.WriteLine($"{End} {number} {judgement.Outcome} {judgement.Reason.ReplaceLineEndings(" ")}");
        }

        return 0;
    }

    /// <summary>The case after another, where jobs share them: in pairs, since one of a pair is sealed.</summary>
    public static int Following(int number, int jobs) => number % 2 == 0 ? number + 1 : number - 1 + (2 * jobs);

    /// <summary>Repeats one case in this process, where a debugger can see it.</summary>
    public static async Task<int> RepeatAsync(int seed, int number)
    {
        IntactIndex[] corpus = await Corpus.BuildAsync(seed);
        var fuzzCase = new FuzzCase(corpus, seed, number);
        Console.WriteLine(fuzzCase);
        Judgement judgement = await Judgement.OfAsync(fuzzCase);
        Console.WriteLine($"{judgement.Outcome} {judgement.Reason}");
        return judgement.Outcome == Outcome.Failed ? 1 : 0;
    }
}
