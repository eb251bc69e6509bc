namespace VectorEngine;

/// <summary>How far a prefetch is.</summary>
/// <param name="Layer">
/// The furthest layer that it is at: <see cref="SearchStage.Sign"/> for the 1-bit layer, <see cref="SearchStage.Refined"/> for the 3-bit layer,
/// <see cref="SearchStage.Exact"/> for the stored vectors.
/// </param>
/// <param name="BytesDone">Bytes that are in memory or in the cache on disk, of all layers that are prefetched.</param>
/// <param name="BytesTotal">Bytes of all these layers.</param>
public readonly record struct PrefetchProgress(SearchStage Layer, long BytesDone, long BytesTotal);

/// <summary>What a prefetch has brought near.</summary>
/// <param name="BytesLoaded">Bytes that it brought into memory; what was there before is not counted.</param>
/// <param name="BytesOnDisk">Bytes that did not fit into memory and are in the cache on disk.</param>
/// <param name="BytesLeft">Bytes that did not fit into either and stay in the store.</param>
public readonly record struct PrefetchReport(long BytesLoaded, long BytesOnDisk, long BytesLeft);
