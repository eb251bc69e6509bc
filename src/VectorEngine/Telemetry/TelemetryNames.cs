namespace VectorEngine.Telemetry;

/// <summary>What the library measures itself under: to be given to whoever collects metrics and traces.</summary>
/// <remarks>
/// Instruments, activities and attributes are named and have units as OpenTelemetry's semantic conventions ask for; the README lists them.
/// While nobody listens, nothing is measured.
/// </remarks>
public static class TelemetryNames
{
    /// <summary>The name of the <see cref="System.Diagnostics.Metrics.Meter"/>.</summary>
    public const string Meter = "VectorEngine";

    /// <summary>The name of the <see cref="System.Diagnostics.ActivitySource"/>.</summary>
    public const string ActivitySource = "VectorEngine";

    internal const string IndexName = "vectorengine.index.name", IndexVersion = "vectorengine.index.version",
        Layer = "vectorengine.layer", LookupResult = "vectorengine.lookup.result", ErrorType = "error.type",
        SearchKind = "vectorengine.search.kind", SearchStage = "vectorengine.search.stage",
        StoreRequests = "vectorengine.store.requests", StoreBytes = "vectorengine.store.bytes";

    /// <summary>Among the layers: pointers and versions.</summary>
    internal const string Pointer = "pointer";

    /// <summary>How an attribute names a layer.</summary>
    internal static string Of(LayerKind kind) => kind switch
    {
        LayerKind.Root => "root",
        LayerKind.Sign => "sign",
        LayerKind.Ex => "ex",
        LayerKind.Vectors => "vectors",
        LayerKind.Metadata => "metadata",
        _ => "ids",
    };

    /// <summary>How an attribute names a stage.</summary>
    internal static string Of(SearchStage stage) => stage switch
    {
        VectorEngine.SearchStage.Sign => "sign",
        VectorEngine.SearchStage.Refined => "refined",
        VectorEngine.SearchStage.Exact => "exact",
        _ => "brute_force",
    };

    /// <summary>How an attribute names a failure.</summary>
    internal static string Of(Exception failure) => failure.GetType().FullName!;
}
