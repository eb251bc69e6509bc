namespace VectorEngine.Building;

/// <summary>
/// Encoded postings in scratch files: each file has those of some neighbouring clusters, in the order of their ordinals.
/// </summary>
internal sealed class PostingSpill : IDisposable
{
    private const int BufferBytes = 128 << 10;

    private readonly int _recordLength;
    private readonly int[] _fileOfCluster;
    private readonly FileStream[] _files;

    /// <param name="scratch">Where the files go.</param>
    /// <param name="recordLength">Bytes of a record.</param>
    /// <param name="fileOfCluster">The file of each cluster, ascending from 0.</param>
    public PostingSpill(ScratchFolder scratch, int recordLength, int[] fileOfCluster)
    {
        _recordLength = recordLength;
        _fileOfCluster = fileOfCluster;
        Counts = new int[fileOfCluster.Length];
        _files = new FileStream[fileOfCluster[^1] + 1];
        for (int file = 0; file < _files.Length; file++)
            _files[file] = scratch.Create($"postings-{file}", BufferBytes);
    }

    /// <summary>Postings of each cluster.</summary>
    public int[] Counts { get; }

    /// <summary>Appends records in the order of their ordinals.</summary>
    public void Append(ReadOnlySpan<byte> records)
    {
        for (int start = 0; start < records.Length; start += _recordLength)
        {
            ReadOnlySpan<byte> record = records.Slice(start, _recordLength);
            int cluster = PostingRecord.Cluster(record);
            Counts[cluster]++;
            _files[_fileOfCluster[cluster]].Write(record);
        }
    }

    /// <summary>Visits every record of the file that has a cluster, in order.</summary>
    public void Visit(int cluster, Action<ReadOnlySpan<byte>> visit)
    {
        FileStream file = _files[_fileOfCluster[cluster]];
        file.Position = 0;
        byte[] buffer = new byte[Math.Max(1, (1 << 20) / _recordLength) * _recordLength];
        for (int read; (read = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)) > 0;)
        {
            for (int start = 0; start < read; start += _recordLength)
                visit(buffer.AsSpan(start, _recordLength));
        }
    }

    /// <summary>Whether two clusters are in one file.</summary>
    public bool Together(int a, int b) => _fileOfCluster[a] == _fileOfCluster[b];

    public void Dispose()
    {
        foreach (FileStream file in _files)
            file.Dispose();
    }
}
