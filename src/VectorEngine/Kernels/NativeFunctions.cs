using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace VectorEngine.Kernels;

/// <summary>
/// The functions of the native library, as declared in native/include/vectorengine_kernels.h. The library is optional: without it the
/// pointers stay null and <see cref="Unavailable"/> says why.
/// </summary>
/// <remarks>
/// Calls that are made per posting leave out the transition of the garbage collector, which costs more than they do; they neither block
/// nor call back, and last microseconds at most.
/// </remarks>
internal static unsafe class NativeFunctions
{
    /// <summary>The VE_ABI_VERSION that these declarations belong to.</summary>
    public const int AbiVersion = 1;

    /// <summary>The environment variable that names the library's file.</summary>
    public const string Variable = "VECTORENGINE_NATIVE";

    private const string LibraryName = "vectorengine_kernels";

    /// <summary>Why the library cannot be used; null if it can.</summary>
    public static readonly string? Unavailable;

    public static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<float*, float*, nuint, float> Dot;
    public static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<float*, Half*, nuint, float> DotHalf;
    public static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<float*, float*, nuint, float> SquaredL2;
    public static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<float*, Half*, nuint, float> SquaredL2Half;
    public static readonly delegate* unmanaged[Cdecl]<float*, nuint, float*, nuint, float*, void> DotRows;
    public static readonly delegate* unmanaged[Cdecl]<float*, nuint, float*, nuint, float*, void> SquaredL2Rows;
    public static readonly delegate* unmanaged[Cdecl]<float*, float*, nuint, float*, void> DotTile;
    public static readonly delegate* unmanaged[Cdecl]<float*, nuint, void> Hadamard;
    public static readonly delegate* unmanaged[Cdecl]<float*, float*, nuint, void> Multiply;
    public static readonly delegate* unmanaged[Cdecl]<float*, float*, nuint, void> Butterfly;
    public static readonly delegate* unmanaged[Cdecl]<float*, nuint, float, float*, float*, void> ScoreScale;
    public static readonly delegate* unmanaged[Cdecl]<byte*, nuint, nuint, byte*, nuint, int*, void> FastScan;
    public static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<int*, byte*, BoundConstants*, float, uint> SelectBelow;
    public static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<byte*, nuint, sbyte*, int> DotExCode;

    /// <summary>Columns of a panel in <see cref="DotTile"/>.</summary>
    public static readonly int TileColumns;

    static NativeFunctions()
    {
        if (!TryOpen(Environment.GetEnvironmentVariable(Variable), out nint library, out Unavailable))
            return;
        // SAFETY: the library has the ABI version whose header declares these functions with these types.
        Dot = (delegate* unmanaged[Cdecl, SuppressGCTransition]<float*, float*, nuint, float>)Export("ve_dot");
        DotHalf = (delegate* unmanaged[Cdecl, SuppressGCTransition]<float*, Half*, nuint, float>)Export("ve_dot_half");
        SquaredL2 = (delegate* unmanaged[Cdecl, SuppressGCTransition]<float*, float*, nuint, float>)Export("ve_squared_l2");
        SquaredL2Half = (delegate* unmanaged[Cdecl, SuppressGCTransition]<float*, Half*, nuint, float>)Export("ve_squared_l2_half");
        DotRows = (delegate* unmanaged[Cdecl]<float*, nuint, float*, nuint, float*, void>)Export("ve_dot_rows");
        SquaredL2Rows = (delegate* unmanaged[Cdecl]<float*, nuint, float*, nuint, float*, void>)Export("ve_squared_l2_rows");
        DotTile = (delegate* unmanaged[Cdecl]<float*, float*, nuint, float*, void>)Export("ve_dot_tile");
        Hadamard = (delegate* unmanaged[Cdecl]<float*, nuint, void>)Export("ve_hadamard");
        Multiply = (delegate* unmanaged[Cdecl]<float*, float*, nuint, void>)Export("ve_multiply");
        Butterfly = (delegate* unmanaged[Cdecl]<float*, float*, nuint, void>)Export("ve_butterfly");
        ScoreScale = (delegate* unmanaged[Cdecl]<float*, nuint, float, float*, float*, void>)Export("ve_score_scale");
        FastScan = (delegate* unmanaged[Cdecl]<byte*, nuint, nuint, byte*, nuint, int*, void>)Export("ve_fast_scan");
        SelectBelow =
            (delegate* unmanaged[Cdecl, SuppressGCTransition]<int*, byte*, BoundConstants*, float, uint>)Export("ve_select_below");
        DotExCode = (delegate* unmanaged[Cdecl, SuppressGCTransition]<byte*, nuint, sbyte*, int>)Export("ve_dot_ex_code");
        TileColumns = ((delegate* unmanaged[Cdecl]<int>)Export("ve_tile_columns"))();

        nint Export(string name) => NativeLibrary.GetExport(library, name);
    }

    /// <summary>Opens the library at a path or, without one, where the runtime looks for an assembly's native libraries.</summary>
    /// <param name="path">The file; null or empty to look beside the assembly and in runtimes/(platform)/native.</param>
    /// <param name="library">The open library.</param>
    /// <param name="reason">Why there is none.</param>
    public static bool TryOpen(string? path, out nint library, [NotNullWhen(false)] out string? reason)
    {
        bool found = string.IsNullOrEmpty(path)
            ? NativeLibrary.TryLoad(LibraryName, typeof(NativeFunctions).Assembly, DllImportSearchPath.AssemblyDirectory, out library)
            : NativeLibrary.TryLoad(path, out library);
        if (!found)
        {
            reason = string.IsNullOrEmpty(path)
                ? $"There is no library '{LibraryName}'."
                : $"{Variable} names '{path}', which cannot be loaded.";
            return false;
        }

        int? version = null;
        // SAFETY: the function takes nothing and returns 32 bits in every version.
        if (NativeLibrary.TryGetExport(library, "ve_abi_version", out nint function))
            version = ((delegate* unmanaged[Cdecl]<int>)function)();
        reason = version == AbiVersion
            ? null
            : $"The library has ABI version {version?.ToString() ?? "none"}; version {AbiVersion} is needed.";
        if (reason is null)
            return true;
        NativeLibrary.Free(library);
        library = 0;
        return false;
    }
}
