namespace VectorEngine.Telemetry;

/// <summary>Tells whether what the current thread does is neither measured nor traced; asked only where somebody listens.</summary>
internal static class UnobservedThread
{
    [field: ThreadStatic]
    public static bool IsCurrent { get; set; }
}
