using VectorEngine.Numerics;
using VectorEngine.Quantization;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Quantization;

/// <summary>Residuals coded and packed by the engine as one posting list, with everything that was known before packing.</summary>
internal sealed class CodedList
{
    public CodedList(Metric metric, int dimensions, VectorMatrix residuals, int seed)
    {
        Space = CreateSpace(metric, dimensions, seed);
        CodeLayout layout = Space.Layout;
        Count = residuals.Count;
        Blocks = new AlignedBuffer<byte>((int)layout.BlocksLength(Count));
        Ex = new AlignedBuffer<byte>((int)layout.ExListLength(Count));
        Centroid = GeneratedVectors.Normals(new Random(seed), layout.PaddedDimensions, 1);
        var encoder = new Encoder(Space);
        for (int posting = 0; posting < Count; posting++)
        {
            byte[] codes = new byte[layout.PaddedDimensions];
            (CodeFactors sign, CodeFactors full) = Engine.Encode(encoder, residuals[posting], Centroid, codes);
            Span<byte> block = Blocks.Span.Slice(posting / CodeLayout.BlockSize * layout.BlockBytes, layout.BlockBytes);
            byte[] signs = new byte[codes.Length / 8];
            CodeWriter.PackSigns(codes, signs);
            CodeWriter.WriteSign(layout, block, posting % CodeLayout.BlockSize, signs, sign, OrdinalOf(posting));
            CodeWriter.WriteEx(layout, Ex.Span.Slice(posting * layout.ExRecordBytes, layout.ExRecordBytes), codes, full);
            Codes.Add(codes);
            Factors.Add((sign, full));
        }
    }

    public CodeSpace Space { get; }

    public int Count { get; }

    public AlignedBuffer<byte> Blocks { get; }

    public AlignedBuffer<byte> Ex { get; }

    public float[] Centroid { get; }

    public List<byte[]> Codes { get; } = [];

    public List<(CodeFactors Sign, CodeFactors Full)> Factors { get; } = [];

    public static uint OrdinalOf(int posting) => 0xABCD_0000 + (uint)posting;

    public static CodeSpace CreateSpace(Metric metric, int dimensions, int seed)
    {
        var rotation = Rotation.Create(new CodeLayout(dimensions).PaddedDimensions, new SeededRandom((ulong)seed));
        return new CodeSpace(metric, new VectorTransform(GeneratedVectors.Normal(1, dimensions, seed)[0], rotation, 1));
    }
}
