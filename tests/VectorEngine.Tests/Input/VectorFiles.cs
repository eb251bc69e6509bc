using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using VectorEngine.Arrow;
using VectorEngine.Input;

namespace VectorEngine.Tests.Input;

/// <summary>Files and streams of the same vectors.</summary>
internal static class VectorFiles
{
    public static async Task<string> WriteAsync(string folder, string name, byte[] content)
    {
        string path = Path.Combine(folder, name);
        await File.WriteAllBytesAsync(path, content);
        return path;
    }

    /// <summary>Rows that start with their dimension, with the values of each as bytes.</summary>
    public static byte[] Rows(VectorMatrix vectors, Func<ReadOnlySpan<float>, byte[]> convert)
    {
        var bytes = new MemoryStream();
        for (int row = 0; row < vectors.Count; row++)
        {
            bytes.Write(BitConverter.GetBytes(vectors.Dimensions));
            bytes.Write(convert(vectors[row]));
        }

        return bytes.ToArray();
    }

    public static byte[] Numpy(VectorMatrix vectors, string type, Func<ReadOnlySpan<float>, byte[]> convert) =>
        Numpy($"{{'descr': '{type}', 'fortran_order': False, 'shape': ({vectors.Count}, {vectors.Dimensions}), }}",
            convert(vectors.Values.Span));

    /// <summary>A .npy file of version 1, or of a later one.</summary>
    public static byte[] Numpy(string header, byte[] values, byte version = 1)
    {
        int start = version == 1 ? 10 : 12;
        string padded = header.PadRight(((start + header.Length + 64) / 64 * 64) - start - 1) + "\n";
        byte[] bytes = [0x93, .. "NUMPY"u8, version, 0, .. new byte[start - 8], .. Encoding.Latin1.GetBytes(padded), .. values];
        if (version == 1)
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(8), (ushort)padded.Length);
        else
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), padded.Length);
        return bytes;
    }

    public static byte[] Singles(ReadOnlySpan<float> values) => MemoryMarshal.AsBytes(values).ToArray();

    public static byte[] Halves(ReadOnlySpan<float> values) =>
        MemoryMarshal.AsBytes<Half>(Array.ConvertAll(values.ToArray(), value => (Half)value)).ToArray();

    public static byte[] Bytes(ReadOnlySpan<float> values) => Array.ConvertAll(values.ToArray(), value => (byte)value);

    public static async Task<byte[]> ArrowAsync(RecordBatch table, int rowsPerBatch = 1000)
    {
        var stream = new MemoryStream();
        await ArrowFile.WriteAsync(stream, table.Schema, [table], rowsPerBatch);
        return stream.ToArray();
    }

    /// <summary>Makes a column of timestamps one of durations, which this library does not have: the values are stored alike.</summary>
    public static async Task<byte[]> WithDurationsAsync(byte[] file, string column, string folder)
    {
        const byte Timestamp = 10, Duration = 18;
        for (int i = file.Length - 1; i >= 0; i--)
        {
            if (file[i] != Timestamp)
                continue;
            byte[] patched = [.. file];
            patched[i] = Duration;
            try
            {
                using ArrowFileReader reader = await ArrowFile.OpenAsync(await WriteAsync(folder, "patched.arrow", patched));
                if (reader.Schema[column].Type.Kind == ArrowTypeKind.Unsupported)
                    return patched;
            }
            catch (Exception failure) when (failure is CorruptDataException or NotSupportedException or KeyNotFoundException)
            {
                // Another byte that happens to be 10.
            }
        }

        throw new InvalidOperationException("The type is nowhere.");
    }

    /// <summary>Batches of the given sizes, over and over; the memory of the vectors is used again for each.</summary>
    public static async IAsyncEnumerable<VectorBatch> BatchesAsync(VectorMatrix vectors, RecordBatch? metadata, params int[] sizes)
    {
        float[] memory = new float[sizes.Max() * vectors.Dimensions];
        for (int start = 0, i = 0; start < vectors.Count; i++)
        {
            int count = Math.Min(sizes[i % sizes.Length], vectors.Count - start);
            vectors.Slice(start, count).Values.CopyTo(memory);
            await Task.Yield();
            yield return new VectorBatch(
                new VectorMatrix(memory.AsMemory(0, count * vectors.Dimensions), vectors.Dimensions), metadata?.Slice(start, count));
            memory.AsSpan().Fill(float.NaN);
            start += count;
        }
    }
}
