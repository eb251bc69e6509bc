namespace VectorEngine.Fuzz.Corruption;

/// <summary>How a case ended; of its steps the one furthest down counts.</summary>
internal enum Outcome
{
    /// <summary>Every answer was that of the intact index: what was damaged has no meaning, or was not read.</summary>
    Same,

    /// <summary>There were other answers, to which only sealed damage may lead.</summary>
    Different,

    /// <summary><see cref="CorruptDataException"/>.</summary>
    Corrupt,

    /// <summary><see cref="ObjectNotFoundException"/> or <see cref="VersionNotFoundException"/>.</summary>
    Missing,

    /// <summary><see cref="NotSupportedException"/>, which says that intact data are of a kind that this library does not read.</summary>
    Unsupported,

    /// <summary>Anything else.</summary>
    Failed,
}

/// <summary>Runs a case in this process and judges it.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Reason">Why it failed.</param>
internal sealed record Judgement(Outcome Outcome, string Reason = "")
{
    /// <summary>What a step may allocate beyond the size of all objects.</summary>
    private const long Allowance = 64 << 20;

    public static async Task<Judgement> OfAsync(FuzzCase fuzzCase)
    {
        using var store = new CaseStore(fuzzCase.Objects, fuzzCase.Store);
        var options = new OpenOptions { MemoryBudget = fuzzCase.MemoryBudget, MemoryMap = fuzzCase.Store == StoreKind.Mapped };
        long allowed = fuzzCase.Objects.Values.Sum(bytes => (long)bytes.Length) + Allowance;
        var worst = new Judgement(Outcome.Same);
        foreach (StepResult result in await Exercise.RunAsync(store.Store, options))
        {
            if (result.Allocated > allowed)
                return new Judgement(Outcome.Failed, $"{result.Step}: {result.Allocated:N0} bytes allocated, {allowed:N0} allowed");
            Judgement judgement = Of(result, fuzzCase);
            if (judgement.Outcome > worst.Outcome)
                worst = judgement;
        }

        return worst;
    }

    private static Judgement Of(StepResult result, FuzzCase fuzzCase)
    {
        switch (result.Failure)
        {
            case CorruptDataException:
                return new Judgement(Outcome.Corrupt);
            case ObjectNotFoundException or VersionNotFoundException:
                return new Judgement(Outcome.Missing);
            case NotSupportedException when fuzzCase.Sealed:
                return new Judgement(Outcome.Unsupported);
            case { } failure:
                return new Judgement(Outcome.Failed, $"{result.Step}: {failure}");
        }

        string? intact = fuzzCase.Index.Answers.FirstOrDefault(intact => intact.Step == result.Step)?.Answer;
        if (intact == result.Answer)
            return new Judgement(Outcome.Same);
        return fuzzCase.Sealed
            ? new Judgement(Outcome.Different)
            : new Judgement(Outcome.Failed, $"{result.Step}: wrong answer: {result.Answer}; the intact index: {intact}");
    }
}
