using System.Runtime.InteropServices;
using QuickStart.Documentation;
using VectorEngine;

namespace QuickStart;

/// <summary>A member that a search found.</summary>
internal sealed record Hit(string Member, string Summary, float Distance);

/// <summary>The vectors of all members with what a hit shows of them: a file that is searched by comparing everything.</summary>
internal sealed class ApiIndex : IDisposable
{
    private const string FileName = "dotnet-api.vectors";

    private readonly float[] _vectors;
    private readonly (string Member, string Summary)[] _rows;
    private readonly int _dimensions;

    private ApiIndex(float[] vectors, (string, string)[] rows, int dimensions) =>
        (_vectors, _rows, _dimensions) = (vectors, rows, dimensions);

    public int Count => _rows.Length;

    public static async Task BuildAsync(
        string folder, VectorMatrix vectors, IReadOnlyList<ApiMember> members, IProgress<double> progress,
        CancellationToken cancellationToken)
    {
        string path = Path.Combine(folder, FileName);
        await using (var stream = new FileStream($"{path}.tmp", FileMode.Create))
        {
            await using var writer = new BinaryWriter(stream);
            writer.Write(vectors.Count);
            writer.Write(vectors.Dimensions);
            for (int row = 0; row < vectors.Count; row++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                writer.Write(members[row].Display);
                writer.Write(members[row].Summary);
                writer.Write(MemoryMarshal.AsBytes(vectors[row]));
                progress.Report((row + 1.0) / vectors.Count);
            }
        }
        File.Move($"{path}.tmp", path, overwrite: true);
    }

    public static ValueTask<ApiIndex> OpenAsync(string folder, CancellationToken cancellationToken)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) throw new ObjectNotFoundException(FileName);
        using var reader = new BinaryReader(File.OpenRead(path));
        var rows = new (string, string)[reader.ReadInt32()];
        int dimensions = reader.ReadInt32();
        var vectors = new float[rows.Length * dimensions];
        for (int row = 0; row < rows.Length; row++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            rows[row] = (reader.ReadString(), reader.ReadString());
            reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(vectors.AsSpan(row * dimensions, dimensions)));
        }
        return ValueTask.FromResult(new ApiIndex(vectors, rows, dimensions));
    }

    public IReadOnlyList<Hit> Search(ReadOnlySpan<float> query, int k)
    {
        var distances = new float[Count];
        for (int row = 0; row < distances.Length; row++)
        {
            ReadOnlySpan<float> vector = _vectors.AsSpan(row * _dimensions, _dimensions);
            float product = 0;
            for (int i = 0; i < vector.Length; i++) product += vector[i] * query[i];
            distances[row] = 1 - product;
        }
        int[] ordinals = [.. Enumerable.Range(0, Count)];
        Array.Sort([.. distances], ordinals);
        return [.. ordinals.Take(k).Select(row => new Hit(_rows[row].Member, _rows[row].Summary, distances[row]))];
    }

    public void Dispose() { }
}
