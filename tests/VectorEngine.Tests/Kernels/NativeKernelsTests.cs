using VectorEngine.Kernels;

namespace VectorEngine.Tests.Kernels;

/// <summary>How the native library is found and refused; its kernels run in the properties of every set.</summary>
public sealed class NativeKernelsTests
{
    [NativeFact]
    public void The_named_library_is_supported_and_the_last_choice()
    {
        Assert.Null(NativeFunctions.Unavailable);
        Assert.Equal(InstructionSet.Native, InstructionSets.Supported[^1]);
    }

    [NativeFact]
    public void Another_abi_version_is_refused()
    {
        string named = Environment.GetEnvironmentVariable(NativeFunctions.Variable)!;
        string other = Path.Combine(
            Path.GetDirectoryName(named)!,
            Path.GetFileName(named).Replace("vectorengine_kernels", "vectorengine_wrong_abi", StringComparison.Ordinal));
        Assert.True(File.Exists(other), $"CMake builds '{other}' for this test.");
        Assert.False(NativeFunctions.TryOpen(other, out nint library, out string? reason));
        Assert.Equal(0, library);
        Assert.Equal(
            $"The library has ABI version {NativeFunctions.AbiVersion + 1}; version {NativeFunctions.AbiVersion} is needed.", reason);
    }

    [Fact]
    public void A_missing_library_is_named_in_the_reason()
    {
        Assert.False(NativeFunctions.TryOpen("/nowhere/libvectorengine_kernels.so", out _, out string? reason));
        Assert.Contains("/nowhere/libvectorengine_kernels.so", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Forcing_a_library_that_is_not_there_says_why()
    {
        if (NativeFunctions.Unavailable is not { } reason)
            return;
        var exception = Assert.Throws<PlatformNotSupportedException>(() => InstructionSets.Select("native"));
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
    }
}
