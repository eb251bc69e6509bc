using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace VectorEngine.Tests.Arrow;

/// <summary>
/// A test against <c>tests/arrow-cdata</c>. Where there is no C compiler, <c>cc</c>, it is reported as skipped, with the reason.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CompilerFactAttribute : FactAttribute
{
    public CompilerFactAttribute() => Skip = CLibrary.WhyMissing;
}

/// <summary>The library that the system's C compiler makes of <c>tests/arrow-cdata/arrow_cdata.c</c>.</summary>
internal static unsafe class CLibrary
{
    // SAFETY: the functions are called with the types that they are declared with in the C file.
    private static readonly Lazy<nint> Library = new(Compile);

    // The tests that use it are of one class, and so run one after the other.
    private static readonly byte[] Buffer = new byte[8 << 20];

    public static string? WhyMissing { get; } = FindWhyMissing();

    /// <summary>Structures of the C side that have not been released.</summary>
    public static int LiveCount => ((delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(Library.Value, "live_count"))();

    /// <summary>Fills the structures with the table that the C file describes.</summary>
    public static void Produce(nint schema, nint array) =>
        ((delegate* unmanaged[Cdecl]<nint, nint, void>)NativeLibrary.GetExport(Library.Value, "produce"))(schema, array);

    /// <summary>Describes a table, or one column that is moved out of it, and releases the structures.</summary>
    public static string Consume(nint schema, nint array, int take = -1)
    {
        // SAFETY: the buffer is pinned, and as long as the function is told.
        fixed (byte* buffer = Buffer)
        {
            var consume = (delegate* unmanaged[Cdecl]<nint, nint, int, byte*, long, void>)NativeLibrary.GetExport(Library.Value, "consume");
            consume(schema, array, take, buffer, Buffer.Length);
        }
        return Encoding.UTF8.GetString(Buffer.AsSpan(0, Array.IndexOf(Buffer, (byte)0)));
    }

    private static string? FindWhyMissing()
    {
        if (OperatingSystem.IsWindows())
            return "There is no C compiler that is called cc.";
        bool onPath = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(directory => File.Exists(Path.Combine(directory, "cc")));
        return onPath ? null : "cc, the C compiler, is not on the path.";
    }

    private static nint Compile()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("vectorengine-cdata-");
        try
        {
            string library = Path.Combine(folder.FullName, "arrow_cdata.so");
            string[] arguments =
                ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", "-shared", "-fPIC", "-o", library, SourcePath()];
            using Process process = Process.Start(new ProcessStartInfo("cc", arguments) { RedirectStandardError = true })!;
            string errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, errors);
            return NativeLibrary.Load(library);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string SourcePath([CallerFilePath] string thisFile = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, "..", "..", "arrow-cdata", "arrow_cdata.c"));
}
