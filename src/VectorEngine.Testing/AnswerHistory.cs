namespace VectorEngine.Testing;

/// <summary>Remembers of each question the newest answer and the last one that differed from it.</summary>
internal sealed class AnswerHistory<T>(Func<T, T, bool> same)
{
    private readonly Dictionary<string, (T Newest, T Older)> _answers = new(StringComparer.Ordinal);

    /// <summary>Takes note of an answer and returns the last other one, or, if there was none, the same.</summary>
    public T Record(string question, T answer)
    {
        lock (_answers)
        {
            T older = !_answers.TryGetValue(question, out (T Newest, T Older) known) ? answer
                : same(known.Newest, answer) ? known.Older
                : known.Newest;
            _answers[question] = (answer, older);
            return older;
        }
    }
}
